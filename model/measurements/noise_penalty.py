"""What batch statistics cost in training loss at frozen weights, and the part of self-influence."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, Moments, NetworkParameters, Parameters
from caviar.model.layers import Dropout
from caviar.model.measurements.losses import AtWeights, at_once, batch_and_external_statistics
from caviar.model.network import Network
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.loss import mean_cross_entropy_gradient


class Frozen(NamedTuple):
    """A network at frozen weights, a split, and the population statistics of every layer.

    `weights` evaluate it; without them, the network's own lines do.
    """

    network: Network
    parameters: NetworkParameters
    examples: Examples
    exact: dict[str, Moments]
    weights: AtWeights | None = None

    @property
    def evaluated(self) -> AtWeights:
        """What evaluates the network."""
        return self.weights or AtWeights(self.network, self.parameters)

    def of_replicas(self, kept: Array) -> Frozen:
        """Some replicas, as a smaller stack."""
        if len(kept) == self.examples.replicas:
            return self
        return Frozen(
            self.network,
            each(lambda array: array[kept], self.parameters),
            self.examples.of_replicas(kept),
            {name: Moments(*(part[kept] for part in m)) for name, m in self.exact.items()},
            self.weights and self.weights.of_replicas(kept),
        )


class Penalty(NamedTuple):
    """Train-mode loss less population loss at one batch size, arrays `(replicas,)`, nats.

    `inside` is R_in, where the example is part of its statistics; `external` is R_ext, where it is
    normalised by as many other examples, as a guest in their batch; NaN without two batches.
    """

    inside: Array
    external: Array


def population_loss(problem: Frozen, rows: Array) -> Array:
    """Loss on `rows` of the split, `(replicas, examples)`, under population statistics."""
    known = {"population": frozen(problem.exact)}
    return problem.evaluated.evaluate(problem.examples, known, order=rows)["population"].loss


def penalty(problem: Frozen, m: int, rows: Array, population: Array) -> Penalty:
    """R_in and R_ext in groups of `m` of `rows`, `(replicas, examples)` in random order.

    `population` is the loss on these rows under population statistics.
    """
    inside, outside = batch_and_external_statistics(m)
    pairs = rows.shape[1] >= 2 * m
    kinds = {"inside": inside, "external": outside} if pairs else {"inside": inside}
    group = 2 * m if pairs else m
    scores = problem.evaluated.evaluate(problem.examples, kinds, group=group, order=rows)
    nan = np.full(population.shape, np.nan)
    external = scores["external"].loss - population if pairs else nan
    return Penalty(scores["inside"].loss - population, external)


def predicted_self_influence(problem: Frozen, rows: Array) -> Array:
    """The prediction of (R_in - R_ext) times m, `(replicas,)`, from one backward pass.

    An example in its own batch moves the batch mean towards itself by (h - mu) / m and the
    variance by ((h - mu)^2 - sigma^2) / m: to first order in 1 / m the loss of each example
    changes by its gradient along that move. The prediction is the mean of this product over
    `rows`, summed over features and layers. It is exact to first order for the last batch norm;
    what an example does to deeper statistics through the layers below is left out.
    """
    network, parameters, examples, exact, _ = problem
    layers = [(n, layer) for n, layer in network.layers if not isinstance(layer, Dropout)]
    epsilons = {n: layer.normaliser.epsilon for n, layer in network.norm_layers.items()}
    total = np.zeros(examples.replicas)
    chunk = at_once(network, examples.replicas)
    for start in range(0, rows.shape[1], chunk):
        x, labels = examples.take(rows[:, start : start + chunk])
        tapes: dict[str, Any] = {}
        for name, layer in layers:
            layer_parameters = parameters[name]
            if name in epsilons:
                x, tapes[name] = _frozen_forward(layer_parameters, x, exact[name], epsilons[name])
            else:
                x, tapes[name] = layer.forward(layer_parameters, x, ())
        dy = mean_cross_entropy_gradient(x, labels) * x.dtype.type(x.shape[1])
        for name, layer in reversed(layers):
            layer_parameters = parameters[name]
            if name in epsilons:
                dy, pull = _frozen_backward(layer_parameters, tapes[name], dy)
                total += pull
            else:
                dy, _ = layer.backward(layer_parameters, tapes[name], dy)
    return np.asarray(total / rows.shape[1])


class _FrozenTape(NamedTuple):
    x_hat: Array
    kept: Array
    inverse_deviation: Array


def _frozen_forward(
    parameters: Parameters, h: Array, exact: Moments, epsilon: float
) -> tuple[Array, _FrozenTape]:
    mean, variance = (part.astype(h.dtype) for part in exact)
    spread = variance + h.dtype.type(epsilon)
    inverse_deviation = 1 / np.sqrt(spread)
    x_hat = (h - mean) * inverse_deviation
    tape = _FrozenTape(x_hat, variance / spread, inverse_deviation)
    return x_hat * parameters["gamma"] + parameters["beta"], tape


def _frozen_backward(parameters: Parameters, tape: _FrozenTape, dy: Array) -> tuple[Array, Array]:
    """Gradient by the input, and by the statistics times the example's pull on them, summed."""
    by_x_hat = dy * parameters["gamma"]
    pull = -by_x_hat * tape.x_hat * (1 + 0.5 * (tape.x_hat**2 - tape.kept))
    return by_x_hat * tape.inverse_deviation, pull.sum(axis=(1, 2), dtype=np.float64)
