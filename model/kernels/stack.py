"""A stack of replicas in flat arrays, which kernels advance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.kernels import places
from caviar.model.kernels.averages import Watched
from caviar.model.kernels.layout import Layout, aligned, lanes_of, layout
from caviar.model.kernels.steps import Factors, Sizes, advance, observe
from caviar.model.kernels.supported import Descent, descent_of
from caviar.model.network import Network
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import OptimizerState
from caviar.model.steps.setup import Training
from caviar.model.steps.state import TrainingState


class Advanced(NamedTuple):
    """What steps leave behind: losses `(steps, replicas)`; of measured steps the sums of squares of
    all gradients and, after them, of all weights, `(steps, replicas, 2)`; the moments of ghosts by
    layer, `(replicas, steps, ghosts, features)`."""

    losses: Array
    squares: Array
    moments: dict[str, Moments]


class Stack:
    """The replicas of a training run: parameters and velocities in the order that kernels need."""

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
        first_only = training.running.ghost_update == "first" and not every_ghost
        kept = 1 if first_only else count // size
        self.layout = _layout(training.network, parameters, count, count // size, self.dtype)
        lanes = lanes_of(self.dtype)
        self.sizes = Sizes(count, training.batch_size, size, kept, lanes, self.layout.features)
        self.arrays = aligned(len(training.seeds), self.layout.size, self.dtype)
        self.views = _views(training.network, self.arrays, self.layout, places.WEIGHT)
        self.velocities = _views(training.network, self.arrays, self.layout, places.VELOCITY)
        _copy(parameters, self.views)

    def start(self, optimizer: OptimizerState) -> None:
        """Take over the velocities of an optimiser."""
        if "velocity" in optimizer.slots:
            _copy(optimizer.slots["velocity"], self.velocities)

    def state(self, step: int, watched: Watched) -> TrainingState:
        """A copy of the training as it stands after `step`."""
        parameters = each(np.copy, self.views)
        slots = self.training.optimizer.init({}).slots
        optimizer = OptimizerState({slot: each(np.copy, self.velocities) for slot in slots})
        references = self.training.network.references(parameters)
        return TrainingState(step, parameters, optimizer, references, *watched)

    def advance(self, rows: Array, rates: list[float], measured: Array) -> Advanced:
        """Take one step for each learning rate, on `rows`, `(replicas, steps, examples)`."""
        descent = descent_of(self.training.optimizer)
        assert descent is not None
        return self.take(rows, descent, rates, measured)

    def take(self, rows: Array, descent: Descent, rates: list[float], measured: Array) -> Advanced:
        """The same with any numbers of an optimiser."""
        replicas, steps, _ = rows.shape
        data = self.examples
        scored = rows[:, :, : self.sizes.scored]
        labels = data.labels_of(scored.reshape(replicas, -1)).reshape(scored.shape)
        losses, squares = np.zeros((steps, replicas)), np.zeros((steps, replicas, 2))
        kept, features = self.sizes.kept, self.sizes.features
        moments = aligned(replicas, steps * kept * 2 * features, self.dtype)
        advance(
            self.arrays, self.layout.layers, data.features, self._of_all(rows), labels,
            data.centre[:, 0], data.scale[:, 0], self.sizes,
            _factors(descent, self.training.epsilon, self.dtype),
            _rates(descent, rates, self.dtype), measured, losses, squares, moments,
        )  # fmt: skip
        parts = moments[:, : steps * kept * 2 * features].reshape(
            replicas, steps, kept, 2, features
        )
        return Advanced(losses, squares, self._by_layer(parts))

    def observed(self, rows: Array) -> Propagated:
        """The moments of every ghost at the present weights, on `rows`, `(replicas, batches,
        examples)`."""
        replicas, batches, examples = rows.shape
        data, size, features = self.examples, self.sizes.ghost, self.sizes.features
        ghosts = examples // size
        moments = aligned(replicas, batches * ghosts * 2 * features, self.dtype)
        observe(
            self.arrays, self.layout.layers, data.features, self._of_all(rows), data.centre[:, 0],
            data.scale[:, 0], self.sizes._replace(kept=ghosts),
            _number(self.training.epsilon, self.dtype), moments,
        )  # fmt: skip
        parts = moments[:, : batches * ghosts * 2 * features].reshape(replicas, -1, 2, features)
        return Propagated(self._by_layer(parts), size, ghosts)

    def _of_all(self, rows: Array) -> Array:
        """Rows of the training split as rows of all data."""
        flat = rows.reshape(len(rows), -1)
        return np.take_along_axis(self.examples.index, flat, axis=1).reshape(rows.shape)

    def _by_layer(self, parts: Array) -> dict[str, Moments]:
        by_layer = {}
        for name, layer in zip(self.training.network.norm_layers, self.layout.layers, strict=False):
            start = layer[places.MOMENTS]
            of_layer = parts[..., start : start + layer[places.UNITS]]
            by_layer[name] = Moments(of_layer[..., 0, :], of_layer[..., 1, :])
        return by_layer


def ghost_of(training: Training) -> int:
    """How many examples share one mean."""
    norm = next(iter(training.network.norm_layers.values()))
    return norm.normaliser.sharing(training.batch_size + training.company)


def _layout(
    network: Network, parameters: NetworkParameters, examples: int, ghosts: int, dtype: np.dtype
) -> Layout:
    weights = [by_name["weight"] for by_name in parameters.values() if "weight" in by_name]
    widths = (weights[0].shape[1], *(weight.shape[2] for weight in weights))
    return layout(widths, examples, ghosts, dtype)


def _views(network: Network, arrays: Array, where: Layout, kind: int) -> NetworkParameters:
    """The arrays of every layer as views; `kind` is the place of weights or of velocities."""
    moved = kind - places.WEIGHT
    names = [name for name, _ in network.layers]
    views: NetworkParameters = {name: {} for name in names}
    for i, layer in enumerate(where.layers):
        k, n, row = layer[[places.INPUTS, places.UNITS, places.WEIGHT_ROW]]
        dense, *norm = names[3 * i : 3 * i + 2]
        views[dense]["weight"] = _matrix(arrays, layer[kind], k, row)[:, :, :n]
        shift = _matrix(arrays, layer[places.SHIFT + moved], 1, n)
        if norm:
            gain = _matrix(arrays, layer[places.GAIN + moved], 1, n)
            views[norm[0]] = {"gamma": gain, "beta": shift}
        else:
            views[dense]["bias"] = shift
    return views


def _matrix(arrays: Array, start: int, rows: int, row: int) -> Array:
    return arrays[:, start : start + rows * row].reshape(len(arrays), rows, row)


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
