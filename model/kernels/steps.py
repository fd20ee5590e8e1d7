"""Training steps, many in one call: one replica takes them all before the next one begins."""

from __future__ import annotations

from typing import Any, NamedTuple

from caviar.model.contract import Array
from caviar.model.kernels import places
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.losses import cross_entropy_and_gradient
from caviar.model.kernels.norms import normalise, normalise_backward
from caviar.model.kernels.products import momentum_step, product, row_products, transpose
from caviar.model.kernels.tiles import step_of_momentum
from caviar.model.kernels.vectors import load, spread, store, total


class Sizes(NamedTuple):
    """Examples of a forward pass, those with a loss, those of a ghost; ghosts whose moments are
    kept; numbers in a vector; features of all norms."""

    examples: int
    scored: int
    ghost: int
    kept: int
    lanes: int
    features: int


class Factors(NamedTuple):
    """Epsilon; momentum; what is added to a gradient for each unit of weight, of other
    parameters, and of gamma."""

    epsilon: Any
    momentum: Any
    penalty: Any
    other_penalty: Any
    gain_penalty: Any


class Rate(NamedTuple):
    """The learning rate of a step, and the share of weights and of other parameters that stays."""

    rate: Any
    kept: Any
    other_kept: Any


@compiled
def forward(
    a: Array, layers: Array, sizes: Sizes, epsilon: Any, moments: Array, moment: int
) -> None:
    """h = x @ weight;  x_hat = standardise(grouped(h));  x = maximum(x_hat * gamma + beta, 0)"""
    last = len(layers) - 1
    for i in range(last + 1):
        layer = layers[i]
        product(
            a, layer[places.OUTPUT], layer[places.OUTPUT_ROW], layer[places.INPUT],
            layer[places.INPUT_ROW], 1, layer[places.WEIGHT], layer[places.WEIGHT_ROW],
            sizes.examples, layer[places.INPUTS], layer[places.VECTORS],
        )  # fmt: skip
        if i < last:
            normalise(
                a, layer[places.OUTPUT], layer[places.OUTPUT_ROW], layers[i + 1, places.INPUT],
                layers[i + 1, places.INPUT_ROW], layer[places.GAIN], layer[places.SHIFT],
                layer[places.INVERSE], sizes.examples, sizes.ghost, layer[places.VECTORS],
                sizes.lanes, epsilon, moments, moment + layer[places.MOMENTS], sizes.kept,
                sizes.features,
            )  # fmt: skip


@compiled
def input_slope(a: Array, layer: Array, below: Array, sizes: Sizes) -> None:
    """below = slope @ weight.T"""
    if sizes.examples < 2 * layer[places.VECTORS]:  # A transpose would cost more than it saves.
        row_products(
            a, below[places.SLOPE], below[places.OUTPUT_ROW], layer[places.SLOPE],
            layer[places.OUTPUT_ROW], layer[places.WEIGHT], layer[places.WEIGHT_ROW],
            sizes.examples, layer[places.INPUTS], layer[places.VECTORS], sizes.lanes,
        )  # fmt: skip
        return
    transpose(
        a, layer[places.TRANSPOSED], layer[places.INPUT_ROW], layer[places.WEIGHT],
        layer[places.WEIGHT_ROW], layer[places.INPUTS], layer[places.UNITS], sizes.lanes,
    )  # fmt: skip
    product(
        a, below[places.SLOPE], below[places.OUTPUT_ROW], layer[places.SLOPE],
        layer[places.OUTPUT_ROW], 1, layer[places.TRANSPOSED], layer[places.INPUT_ROW],
        sizes.examples, layer[places.UNITS], below[places.VECTORS],
    )  # fmt: skip


@compiled
def step_weights(a: Array, layer: Array, sizes: Sizes, factors: Factors, rate: Rate) -> None:
    """gradient = input.T @ slope, and its step"""
    momentum_step(
        a, layer[places.WEIGHT], layer[places.VELOCITY], layer[places.WEIGHT_ROW],
        layer[places.INPUT], layer[places.INPUT_ROW], layer[places.SLOPE],
        layer[places.OUTPUT_ROW], layer[places.INPUTS], sizes.examples, layer[places.VECTORS],
        factors.momentum, factors.penalty, rate.kept, rate.rate,
    )  # fmt: skip


@compiled
def weight_gradient(a: Array, layer: Array, sizes: Sizes) -> None:
    """gradient = input.T @ slope"""
    product(
        a, layer[places.GRADIENT], layer[places.WEIGHT_ROW], layer[places.INPUT], 1,
        layer[places.INPUT_ROW], layer[places.SLOPE], layer[places.OUTPUT_ROW],
        layer[places.INPUTS], sizes.examples, layer[places.VECTORS],
    )  # fmt: skip


@compiled
def step_weights_and_measure(
    a: Array, layer: Array, sizes: Sizes, factors: Factors, rate: Rate, squares: Array
) -> None:
    """The same in two passes; squares[0] += sum(gradient**2);  squares[1] += sum(weight**2)"""
    row, lanes = layer[places.WEIGHT_ROW], sizes.lanes
    weight_gradient(a, layer, sizes)
    for i in range(layer[places.INPUTS]):
        of_gradient, of_weight = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(0))
        for v in range(0, layer[places.VECTORS] * lanes, lanes):
            along = i * row + v
            weight, gradient = layer[places.WEIGHT] + along, layer[places.GRADIENT] + along
            step_of_momentum(
                a, weight, layer[places.VELOCITY] + along, gradient, factors.momentum,
                factors.penalty, rate.kept, rate.rate,
            )  # fmt: skip
            g, w = load(a, gradient), load(a, weight)
            of_gradient = of_gradient + g * g
            of_weight = of_weight + w * w
        squares[0] += total(of_gradient)
        squares[1] += total(of_weight)


@compiled
def step_others(
    a: Array, layer: Array, has_gain: bool, sizes: Sizes, factors: Factors, rate: Rate,
    squares: Array,
) -> None:  # fmt: skip
    """The steps of gamma and beta, or of the bias, from their gradients."""
    for v in range(0, layer[places.VECTORS] * sizes.lanes, sizes.lanes):
        gradient = layer[places.SHIFT_GRADIENT] + v
        step_of_momentum(
            a, layer[places.SHIFT] + v, layer[places.SHIFT_VELOCITY] + v, gradient,
            factors.momentum, factors.other_penalty, rate.other_kept, rate.rate,
        )  # fmt: skip
        g = load(a, gradient)
        squares[0] += total(g * g)
        if has_gain:
            gradient = layer[places.GAIN_GRADIENT] + v
            step_of_momentum(
                a, layer[places.GAIN] + v, layer[places.GAIN_VELOCITY] + v, gradient,
                factors.momentum, factors.gain_penalty, rate.other_kept, rate.rate,
            )  # fmt: skip
            g = load(a, gradient)
            squares[0] += total(g * g)


@compiled
def bias_gradient(a: Array, layer: Array, examples: int, lanes: int) -> None:
    """gradient = slope.sum(axis=0)"""
    row = layer[places.OUTPUT_ROW]
    for v in range(0, layer[places.VECTORS] * lanes, lanes):
        sums = spread(a, a.dtype.type(0))
        for i in range(examples):
            sums = sums + load(a, layer[places.SLOPE] + i * row + v)
        store(a, layer[places.SHIFT_GRADIENT] + v, sums)


@compiled
def step(
    a: Array, layers: Array, labels: Array, sizes: Sizes, factors: Factors, rate: Rate,
    measured: bool, squares: Array, moments: Array, moment: int,
) -> float:  # fmt: skip
    """One update of one replica from the examples in its first layer's input; returns the loss."""
    last = len(layers) - 1
    forward(a, layers, sizes, factors.epsilon, moments, moment)
    top = layers[last]
    loss: float = cross_entropy_and_gradient(
        a, top[places.OUTPUT], top[places.OUTPUT_ROW], top[places.SHIFT], top[places.SLOPE], labels,
        sizes.scored, sizes.examples, top[places.UNITS],
    )  # fmt: skip
    bias_gradient(a, top, sizes.scored, sizes.lanes)
    squares[0] = squares[1] = 0.0
    for i in range(last, -1, -1):
        layer = layers[i]
        if i < last:
            normalise_backward(
                a, layer[places.SLOPE], layer[places.OUTPUT], layer[places.OUTPUT_ROW],
                layers[i + 1, places.INPUT], layers[i + 1, places.INPUT_ROW], layer[places.GAIN],
                layer[places.INVERSE], layer[places.GAIN_GRADIENT], layer[places.SHIFT_GRADIENT],
                sizes.examples, sizes.ghost, layer[places.VECTORS], sizes.lanes,
            )  # fmt: skip
        if i > 0:
            input_slope(a, layer, layers[i - 1], sizes)
        if measured:
            step_weights_and_measure(a, layer, sizes, factors, rate, squares)
        else:
            step_weights(a, layer, sizes, factors, rate)
        step_others(a, layer, i < last, sizes, factors, rate, squares)
    return loss


@compiled
def gather(
    a: Array, layer: Array, features: Array, rows: Array, centre: Array, scale: Array
) -> None:
    """x = (features[rows] - centre) * scale, into the input of the first layer"""
    for i in range(len(rows)):
        x, first = features[rows[i]], layer[places.INPUT] + i * layer[places.INPUT_ROW]
        for f in range(len(x)):
            a[first + f] = (a.dtype.type(x[f]) - centre[f]) * scale[f]


@compiled
def advance(
    arrays: Array, layers: Array, features: Array, rows: Array, labels: Array, centre: Array,
    scale: Array, sizes: Sizes, factors: Factors, rates: Array, measured: Array, losses: Array,
    squares: Array, moments: Array,
) -> None:  # fmt: skip
    """Take steps on the examples `rows`, `(replicas, steps, examples)`, of the shared data.

    `labels` is `(replicas, steps, scored)`, `rates` `(steps, 3)`; `losses` is `(steps, replicas)`,
    `squares` `(steps, replicas, 2)`, and `moments` `(replicas, steps x kept x 2 x features)`.
    """
    replicas, steps, _ = rows.shape
    for r in range(replicas):
        for t in range(steps):
            gather(arrays[r], layers[0], features, rows[r, t], centre[r], scale[r])
            rate = Rate(rates[t, 0], rates[t, 1], rates[t, 2])
            losses[t, r] = step(
                arrays[r], layers, labels[r, t], sizes, factors, rate, measured[t], squares[t, r],
                moments[r], t * sizes.kept * 2 * sizes.features,
            )  # fmt: skip


@compiled
def observe(
    arrays: Array, layers: Array, features: Array, rows: Array, centre: Array, scale: Array,
    sizes: Sizes, epsilon: Any, moments: Array,
) -> None:  # fmt: skip
    """Forward passes over `rows`, `(replicas, batches, examples)`, without a step: the moments of
    their ghosts go to `moments`, `(replicas, batches x kept x 2 x features)`."""
    replicas, batches, _ = rows.shape
    for r in range(replicas):
        for b in range(batches):
            gather(arrays[r], layers[0], features, rows[r, b], centre[r], scale[r])
            moment = b * sizes.kept * 2 * sizes.features
            forward(arrays[r], layers, sizes, epsilon, moments[r], moment)
