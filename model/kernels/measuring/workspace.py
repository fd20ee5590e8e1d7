"""The numbers of a network of batch norms as evaluating kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.kernels.by_layer.hidden import hidden_layers
from caviar.model.kernels.layout import aligned, lanes_of
from caviar.model.kernels.measuring.upwards import (
    BATCH,
    BLOCK,
    EVALNORM,
    FIXED,
    NEXT,
    Kind,
    Level,
    first_outputs,
    logits_of,
    moments_in_double,
    upwards,
)
from caviar.model.measurements.evalnorm import EvalnormStatistics, shares
from caviar.model.measurements.losses import BatchStatistics, ExternalStatistics
from caviar.model.network import FixedStatistics, Network, Statistics
from caviar.model.steps.examples import Examples


@dataclass
class Workspace:
    """A stack of networks whose rows are padded to whole vectors.

    `weights`, `(replicas, numbers)`, holds those of every dense layer; `gain` and `shift`,
    `(replicas, numbers)`, those of all norms side by side.
    """

    names: tuple[str, ...]
    features: tuple[int, ...]
    levels: Array
    first: tuple[int, int, int, int]
    weights: Array
    gain: Array
    shift: Array
    bias: Array
    epsilon: Any
    lanes: int
    inside: tuple[BatchStatistics, Array, Array] | None = None
    space: Array | None = None

    @classmethod
    def of(cls, network: Network, parameters: NetworkParameters) -> Self:
        """The numbers of a network that `evaluates` admits."""
        hidden = hidden_layers(network)
        top = network.layers[-1][0]
        dense = [*(one.names.dense for one in hidden), top]
        matrices = [parameters[name]["weight"] for name in dense]
        lanes = lanes_of(matrices[0].dtype)
        padded = [_whole(matrix.shape[2], lanes) for matrix in matrices]
        starts = np.cumsum([0, *(m.shape[1] * p for m, p in zip(matrices, padded, strict=True))])
        weights = np.concatenate(
            [_padded(m, p).reshape(len(m), -1) for m, p in zip(matrices, padded, strict=True)], 1
        )
        places = np.cumsum([0, *padded])
        levels = [
            Level(
                padded[i], places[i], starts[i + 1], padded[i + 1], matrices[i + 1].shape[1],
                padded[i + 1] // lanes,
            )
            for i in range(len(hidden))
        ]  # fmt: skip
        norms = tuple(one.names.norm for one in hidden)
        gain, shift = (_of_norms(parameters, norms, key, padded) for key in ("gamma", "beta"))
        assert hidden[0].norm is not None
        epsilon = weights.dtype.type(hidden[0].norm.normaliser.epsilon)
        return cls(
            norms,
            tuple(matrix.shape[2] for matrix in matrices[:-1]),
            np.array(levels),
            (matrices[0].shape[1], 0, padded[0], padded[0] // lanes),
            weights,
            gain,
            shift,
            np.ascontiguousarray(parameters[top]["bias"][:, 0]),
            epsilon,
            lanes,
        )

    @property
    def replicas(self) -> int:
        return len(self.weights)

    def outputs(self, examples: Examples, rows: Array) -> Array:
        """First outputs of `rows` of a split, `(replicas, examples x numbers)`."""
        inputs, *weight = self.first
        width, data = self.first[2], examples
        outputs = np.empty((len(rows), rows.shape[1] * width), self.weights.dtype)
        of_all = np.take_along_axis(data.index, rows, axis=1)
        size = self.weights.shape[1]
        a = self._space(size + BLOCK * (inputs + width))
        for r in range(len(rows)):
            a[:size] = self.weights[r]
            first_outputs(
                a, data.features, of_all[r], data.centre[r, 0], data.scale[r, 0], size, inputs,
                *weight, self.lanes, outputs[r],
            )  # fmt: skip
        return outputs

    def logits(self, x: Array, rows: Array, kind: Statistics) -> Array:
        """Logits of the examples `rows` of first outputs, `(replicas, examples, classes)`."""
        of_kind, mean, variance = self._given(kind, rows.shape[1])
        shape = (*rows.shape, self.bias.shape[1])
        logits = np.empty(shape, x.dtype)
        a, outs, scratch = self._places(rows.shape[1])
        logits_of(
            a, self.levels, self.weights, x, rows, of_kind, self.lanes, outs, scratch, mean,
            variance, self.gain, self.shift, self.epsilon, self._factor, self.bias, logits,
        )  # fmt: skip
        return logits

    def exact(self, x: Array, i: int) -> Moments:
        """Moments of what norm `i` takes, of one replica, `(1, 1, features)`."""
        row, features = int(self.levels[i, 0]), self.features[i]
        mean, variance = np.empty((2, 1, 1, features))
        count = len(x) // row
        moments_in_double(x, count, row, features, mean[0, 0], variance[0, 0])
        return Moments(mean, variance)

    def above(self, x: Array, r: int, i: int, kind: Statistics) -> Array:
        """What the dense layer above norm `i` makes of one replica's whole split."""
        level = Level(*self.levels[i].tolist())
        count = len(x) // level.row
        of_kind, mean, variance = self._given(kind, count, r, i)
        a, outs, scratch = self._places(count)
        a[: self.weights.shape[1]] = self.weights[r]
        upwards(
            a, x, np.arange(count), outs[0], scratch, level, of_kind, self.lanes, mean[0],
            variance[0], self.gain.shape[1], self.gain[r], self.shift[r], self.epsilon,
            self._factor,
        )  # fmt: skip
        return a[outs[0] : outs[0] + count * level.vectors * self.lanes].copy()

    def _given(
        self, kind: Statistics, count: int, r: int | None = None, only: int | None = None
    ) -> tuple[Kind, Array, Array]:
        """A kind of statistics as kernels take it: of all norms, or of norm `only` of replica
        `r`."""
        real = self.weights.dtype.type
        none = real(0)
        if isinstance(kind, BatchStatistics):
            shape = self.replicas, count // kind.size * self.gain.shape[1]
            mean, variance = np.empty((2, *shape), self.weights.dtype)
            self.inside = kind, mean, variance
            return Kind(BATCH, kind.size, none, none), mean, variance
        if isinstance(kind, ExternalStatistics):
            assert self.inside is not None and self.inside[0] is kind.inside
            return Kind(NEXT, kind.inside.size, none, none), *self.inside[1:]
        if isinstance(kind, EvalnormStatistics):
            weights = (real(share) for share in shares(kind.size))
            return Kind(EVALNORM, kind.size, *weights), *self._side_by_side(kind.population, only)
        assert isinstance(kind, FixedStatistics)
        return Kind(FIXED, count, none, none), *self._side_by_side(kind.moments, only)

    def _side_by_side(self, moments: dict[str, Moments], only: int | None) -> tuple[Array, Array]:
        names = self.names if only is None else self.names[only : only + 1]
        mean, variance = np.zeros((2, len(moments[names[0]].mean), self.gain.shape[1]))
        for i, name in enumerate(self.names):
            if name in names:
                start = self.levels[i, 1]
                part = slice(start, start + self.features[i])
                mean[:, part], variance[:, part] = (m[:, 0] for m in moments[name])
        return mean.astype(self.weights.dtype), variance.astype(self.weights.dtype)

    def _places(self, count: int) -> tuple[Array, tuple[int, int], int]:
        """The space, the places of two layers' outputs for `count` examples, and that of rows."""
        size = self.weights.shape[1]
        widest = int(max(self.levels[:, 5])) * self.lanes
        outs = size, size + count * widest
        scratch = size + 2 * count * widest
        return self._space(scratch + BLOCK * int(max(self.levels[:, 0]))), outs, scratch

    def _space(self, size: int) -> Array:
        if self.space is None or len(self.space) < size:
            self.space = aligned(1, size, self.weights.dtype)[0]
        return self.space

    @property
    def _factor(self) -> Array:
        return np.empty(int(max(self.levels[:, 0])), self.weights.dtype)


def _whole(count: int, lanes: int) -> int:
    return -(-count // lanes) * lanes


def _of_norms(
    parameters: NetworkParameters, norms: tuple[str, ...], key: str, padded: list[int]
) -> Array:
    """A parameter of every norm, side by side."""
    rows = [_padded(parameters[n][key], p)[:, 0] for n, p in zip(norms, padded, strict=False)]
    return np.concatenate(rows, axis=1)


def _padded(matrix: Array, width: int) -> Array:
    """Rows of `(replicas, rows, numbers)` with zeros up to `width`."""
    wide = np.zeros((*matrix.shape[:2], width), matrix.dtype)
    wide[:, :, : matrix.shape[2]] = matrix
    return wide
