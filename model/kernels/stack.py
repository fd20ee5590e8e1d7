"""A stack of replicas in flat arrays, which kernels advance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Array, Generators, Moments, NetworkParameters
from caviar.model.kernels import places
from caviar.model.kernels.averages import Watched
from caviar.model.kernels.by_layer.adam import adam_factors, adam_rates
from caviar.model.kernels.by_layer.hidden import hidden_layers
from caviar.model.kernels.by_layer.norm_kernel import matrix
from caviar.model.kernels.by_layer.registry import KERNELS
from caviar.model.kernels.by_layer.steps import Batches, ByLayer, Measured, Passed
from caviar.model.kernels.layout import Layout, aligned, lanes_of, layout
from caviar.model.kernels.steps import Factors, Rate, Sizes, advance, observe
from caviar.model.kernels.supported import Descent, all_at_once, descent_of
from caviar.model.network import Network
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import OptimizerState
from caviar.model.steps.setup import Training
from caviar.model.steps.state import TrainingState


class Advanced(NamedTuple):
    """What steps leave behind: losses `(steps, replicas)`; of measured steps the sums of squares of
    all gradients and, after them, of all weights, `(steps, replicas, 2)`; the moments of ghosts by
    layer, `(replicas, steps, ghosts, features)`; the hidden layers after the last step."""

    losses: Array
    squares: Array
    moments: dict[str, Moments]
    passed: list[Passed]


class Stack:
    """The replicas of a training run: parameters and velocities in the order that kernels need.

    `references` are what norms carry from step to step besides, and `done` is the number of steps.
    """

    def __init__(
        self,
        training: Training,
        examples: Examples,
        parameters: NetworkParameters,
        *,
        every_ghost: bool = False,
    ) -> None:
        self.training, self.examples = training, examples
        self.dtype = np.dtype(examples.dtype)
        count = training.batch_size + training.company
        size = ghost_of(training)
        self.whole = all_at_once(training)
        first_only = training.running.ghost_update == "first" and self.whole and not every_ghost
        kept = 1 if first_only else count // size
        self.layout = _layout(training, parameters, count, count // size, self.dtype)
        lanes = lanes_of(self.dtype)
        self.sizes = Sizes(count, training.batch_size, size, kept, lanes, self.layout.features)
        self.arrays = aligned(len(training.seeds), self.layout.size, self.dtype)
        self.views = _views(training.network, self.arrays, self.layout, places.OF_PARAMETERS)
        self.velocities = _views(training.network, self.arrays, self.layout, places.OF_VELOCITIES)
        kept_by_optimizer = (
            self.velocities,
            _views(training.network, self.arrays, self.layout, places.OF_SECONDS),
        )
        slots = training.optimizer.init({}).slots
        self.slots = dict(zip(slots, kept_by_optimizer, strict=False))
        _copy(parameters, self.views)
        self.references, self.done = training.network.references(parameters), 0

    def start(self, state: TrainingState) -> None:
        """Take over what an optimiser and norms carry, and the number of steps."""
        for slot, views in self.slots.items():
            _copy(state.optimizer.slots[slot], views)
        self.references, self.done = state.references, state.step

    def state(self, watched: Watched) -> TrainingState:
        """A copy of the training as it stands."""
        parameters = each(np.copy, self.views)
        count = None if self.training.optimizer.init({}).count is None else self.done
        slots = {slot: each(np.copy, views) for slot, views in self.slots.items()}
        optimizer = OptimizerState(slots, count)
        return TrainingState(self.done, parameters, optimizer, self.references, *watched)

    def advance(
        self, rows: Array, rates: list[float], measured: Array, noise: Generators
    ) -> Advanced:
        """Take one step for each learning rate, on `rows`, `(replicas, steps, examples)`."""
        descent = descent_of(self.training.optimizer)
        assert descent is not None
        return self.take(rows, descent, rates, measured, noise)

    def take(
        self,
        rows: Array,
        descent: Descent,
        rates: list[float],
        measured: Array,
        noise: Generators,
    ) -> Advanced:
        """The same with any numbers of an optimiser."""
        replicas, steps, _ = rows.shape
        scored = rows[:, :, : self.sizes.scored]
        labels = self.examples.labels_of(scored.reshape(replicas, -1)).reshape(scored.shape)
        kept, features = self.sizes.kept, self.sizes.features
        written = Measured(
            np.zeros((steps, replicas)),
            np.zeros((steps, replicas, 2)),
            aligned(replicas, steps * kept * 2 * features, self.dtype),
        )
        if self.whole:
            passed = self._at_once(rows, labels, descent, rates, measured, written)
        else:
            passed = self._one_by_one(rows, labels, descent, rates, written, noise)
        self.done += steps
        parts = written.moments[:, : steps * kept * 2 * features].reshape(
            replicas, steps, kept, 2, features
        )
        return Advanced(written.losses, written.squares, self._by_layer(parts), passed)

    def _at_once(
        self, rows: Array, labels: Array, descent: Descent, rates: list[float], measured: Array,
        written: Measured,
    ) -> list[Passed]:  # fmt: skip
        of = self._batches(rows)
        advance(
            self.arrays, self.layout.layers, of.features, of.rows, labels, of.centre, of.scale,
            self.sizes, _factors(descent, self.training.epsilon, self.dtype),
            _rates(descent, rates, self.dtype), measured, *written,
        )  # fmt: skip
        row = self.sizes.kept * 2 * self.sizes.features
        return self._hidden().passed(self.references, written.moments, (len(rates) - 1) * row)

    def _one_by_one(
        self, rows: Array, labels: Array, descent: Descent, rates: list[float], written: Measured,
        noise: Generators,
    ) -> list[Passed]:  # fmt: skip
        by_step: list[Any]
        if descent.adam is None:
            factors: Any = _factors(descent, self.training.epsilon, self.dtype)
            by_step = [Rate(*row) for row in _rates(descent, rates, self.dtype)]
        else:
            factors = adam_factors(descent, self.dtype)
            by_step = adam_rates(descent, rates, self.done, self.dtype)
        self.references, passed = self._hidden().advance(
            self._batches(rows), labels, factors, by_step, self.references, written, noise
        )
        return passed

    def observed(self, rows: Array, noise: Generators) -> Propagated:
        """The moments of every ghost at the present weights, on `rows`, `(replicas, batches,
        examples)`."""
        replicas, batches, examples = rows.shape
        size, features = self.sizes.ghost, self.sizes.features
        ghosts = examples // size
        moments = aligned(replicas, batches * ghosts * 2 * features, self.dtype)
        if self.whole:
            epsilon = _number(self.training.epsilon, self.dtype)
            sizes = self.sizes._replace(kept=ghosts)
            observe(self.arrays, self.layout.layers, *self._batches(rows), sizes, epsilon, moments)
        else:
            self._hidden().observe(self._batches(rows), self.references, moments, noise)
        parts = moments[:, : batches * ghosts * 2 * features].reshape(replicas, -1, 2, features)
        return Propagated(self._by_layer(parts), size, ghosts)

    def _hidden(self) -> ByLayer:
        hidden = hidden_layers(self.training.network)
        return ByLayer(hidden, self.layout.layers, self.sizes, self.arrays, self.views)

    def _batches(self, rows: Array) -> Batches:
        """The examples of rows of the training split."""
        flat, data = rows.reshape(len(rows), -1), self.examples
        of_all = np.take_along_axis(data.index, flat, axis=1).reshape(rows.shape)
        return Batches(data.features, of_all, data.centre[:, 0], data.scale[:, 0])

    def _by_layer(self, parts: Array) -> dict[str, Moments]:
        by_layer = {}
        for name, layer in zip(self.training.network.norm_layers, self.layout.layers, strict=False):
            start = layer[places.MOMENTS]
            of_layer = parts[..., start : start + layer[places.UNITS]]
            by_layer[name] = Moments(of_layer[..., 0, :], of_layer[..., 1, :])
        return by_layer


def ghost_of(training: Training) -> int:
    """How many examples share one mean."""
    examples = training.batch_size + training.company
    norm = next(iter(training.network.norm_layers.values()), None)
    return examples if norm is None else norm.normaliser.sharing(examples)


def _layout(
    training: Training, parameters: NetworkParameters, examples: int, ghosts: int, dtype: np.dtype
) -> Layout:
    weights = [by_name["weight"] for by_name in parameters.values() if "weight" in by_name]
    widths = (weights[0].shape[1], *(weight.shape[2] for weight in weights))
    hidden = hidden_layers(training.network)
    inverses = KERNELS[type(hidden[0].normaliser)].inverses(examples, ghosts)
    slots = len(training.optimizer.init({}).slots)
    return layout(widths, examples, inverses, dtype, slots, tuple(one.dense.bias for one in hidden))


def _views(
    network: Network, arrays: Array, where: Layout, kinds: tuple[int, int, int, int]
) -> NetworkParameters:
    """The arrays of every layer as views; `kinds` are the places of weights, gains, shifts and
    biases of hidden layers."""
    views: NetworkParameters = {name: {} for name, _ in network.layers}
    hidden = hidden_layers(network)
    for i, layer in enumerate(where.layers):
        k, n, row = layer[[places.INPUTS, places.UNITS, places.WEIGHT_ROW]]
        weight, gain, shift, bias = layer[list(kinds)]
        last = i == len(hidden)
        dense = views[network.layers[-1][0] if last else hidden[i].names.dense]
        dense["weight"] = matrix(arrays, weight, k, row)[:, :, :n]
        if last or hidden[i].dense.bias:
            dense["bias"] = matrix(arrays, shift if last else bias, 1, n)
        if not last and hidden[i].norm:
            gamma, beta = (matrix(arrays, place, 1, n) for place in (gain, shift))
            views[hidden[i].names.norm] = {"gamma": gamma, "beta": beta}
    return views


def _copy(source: NetworkParameters, target: NetworkParameters) -> None:
    for name, by_name in source.items():
        for key, array in by_name.items():
            target[name][key][:] = array


def _factors(descent: Descent, epsilon: float, dtype: np.dtype) -> Factors:
    weights, others = descent.coupled
    numbers = (epsilon, descent.momentum, weights, others, others + descent.of_gamma)
    return Factors(*(_number(number, dtype) for number in numbers))


def _number(value: float, dtype: np.dtype) -> Any:
    return dtype.type(value)


def _rates(descent: Descent, rates: list[float], dtype: np.dtype) -> Array:
    """Learning rate, and shares of weights and others that stay, `(steps, 3)`."""
    rate = np.array(rates)[:, None]
    return np.hstack([rate, 1 - rate * np.array(descent.decoupled)]).astype(dtype)
