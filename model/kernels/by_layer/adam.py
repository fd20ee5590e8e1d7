"""Steps of Adam; the lines of `steps/optimizers.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels import places
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.steps import Sizes, bias_gradient, weight_gradient
from caviar.model.kernels.supported import Descent
from caviar.model.kernels.vectors import load, root, spread, store, total


class AdamFactors(NamedTuple):
    """The shares of the old moments, those of a gradient and its square, and what is added to the
    root; what is added to a gradient for each unit of weight, of other parameters, and of gamma."""

    beta1: Any
    share1: Any
    beta2: Any
    share2: Any
    epsilon: Any
    penalty: Any
    other_penalty: Any
    gain_penalty: Any


class AdamRate(NamedTuple):
    """The learning rate and the second moment's share of a step, both corrected for the start, and
    the share of weights and of other parameters that stays."""

    rate: Any
    correction: Any
    kept: Any
    other_kept: Any


def adam_factors(descent: Descent, dtype: np.dtype) -> AdamFactors:
    """An optimiser's numbers as a kernel takes them."""
    assert descent.adam is not None
    (beta2, epsilon), beta1 = descent.adam, descent.momentum
    weights, others = descent.coupled
    shares = beta1, 1 - beta1, beta2, 1 - beta2, epsilon
    numbers = (*shares, weights, others, others + descent.of_gamma)
    return AdamFactors(*(dtype.type(number) for number in numbers))


def adam_rates(descent: Descent, rates: list[float], done: int, dtype: np.dtype) -> list[AdamRate]:
    """The numbers of each step that follows `done` ones."""
    assert descent.adam is not None
    beta1, beta2 = descent.momentum, descent.adam[0]
    numbers = [
        (rate / (1 - beta1**count), 1 - beta2**count, *(1 - rate * d for d in descent.decoupled))
        for count, rate in enumerate(rates, done + 1)
    ]
    return [AdamRate(*(dtype.type(number) for number in of_one)) for of_one in numbers]


@compiled
def adam_step(
    a: Array, weight: int, first: int, second: int, gradient: int, factors: AdamFactors,
    rate: AdamRate, penalty: Any, kept: Any,
) -> None:  # fmt: skip
    """g += penalty w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g g
    w = kept w - rate m / (sqrt(v / correction) + epsilon), for one vector of each.
    """
    w = load(a, weight)
    g = load(a, gradient) + spread(a, penalty) * w
    m = spread(a, factors.beta1) * load(a, first) + spread(a, factors.share1) * g
    v = spread(a, factors.beta2) * load(a, second) + spread(a, factors.share2) * g * g
    store(a, first, m)
    store(a, second, v)
    below = root(v / spread(a, rate.correction)) + spread(a, factors.epsilon)
    store(a, weight, spread(a, kept) * w - spread(a, rate.rate) * m / below)


@compiled
def step_weights(
    a: Array, layer: Array, sizes: Sizes, factors: AdamFactors, rate: AdamRate, squares: Array
) -> None:
    """gradient = input.T @ slope, and its step;  squares[0] += sum(gradient**2)
    squares[1] += sum(weight**2)
    """
    row, lanes = layer[places.WEIGHT_ROW], sizes.lanes
    weight_gradient(a, layer, sizes)
    for i in range(layer[places.INPUTS]):
        of_gradient, of_weight = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(0))
        for v in range(0, layer[places.VECTORS] * lanes, lanes):
            along = i * row + v
            weight, gradient = layer[places.WEIGHT] + along, layer[places.GRADIENT] + along
            adam_step(
                a, weight, layer[places.VELOCITY] + along, layer[places.SECOND] + along, gradient,
                factors, rate, factors.penalty, rate.kept,
            )  # fmt: skip
            g, w = load(a, gradient), load(a, weight)
            of_gradient = of_gradient + g * g
            of_weight = of_weight + w * w
        squares[0] += total(of_gradient)
        squares[1] += total(of_weight)


@compiled
def step_vector(
    a: Array, layer: Array, place: int, second: int, sizes: Sizes, factors: AdamFactors,
    rate: AdamRate, penalty: Any, squares: Array,
) -> None:  # fmt: skip
    """The step of gamma, of beta or of a bias, whose velocity and gradient lie behind it."""
    padded = layer[places.VECTORS] * sizes.lanes
    for v in range(0, padded, sizes.lanes):
        gradient = layer[place + 2] + v
        adam_step(
            a, layer[place] + v, layer[place + 1] + v, layer[second] + v, gradient, factors, rate,
            penalty, rate.other_kept,
        )  # fmt: skip
        g = load(a, gradient)
        squares[0] += total(g * g)


@compiled
def descend_by_adam(
    arrays: Array, layer: Array, bias: Array, has_gain: bool, sizes: Sizes, factors: AdamFactors,
    rate: AdamRate, squares: Array,
) -> None:  # fmt: skip
    """Every parameter of a layer takes its step; arguments as those of `parts.descend`."""
    for r in range(len(arrays)):
        a, of_one = arrays[r], squares[r]
        step_weights(a, layer, sizes, factors, rate, of_one)
        step_vector(
            a, layer, places.SHIFT, places.SHIFT_SECOND, sizes, factors, rate,
            factors.other_penalty, of_one,
        )  # fmt: skip
        if has_gain:
            step_vector(
                a, layer, places.GAIN, places.GAIN_SECOND, sizes, factors, rate,
                factors.gain_penalty, of_one,
            )  # fmt: skip
        if layer[places.BIAS]:
            bias_gradient(a, bias, sizes.examples, sizes.lanes)
            step_vector(
                a, bias, places.SHIFT, places.SHIFT_SECOND, sizes, factors, rate,
                factors.other_penalty, of_one,
            )  # fmt: skip
