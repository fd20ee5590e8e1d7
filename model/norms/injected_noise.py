"""Batch norm over the whole batch, with the noise of a small ghost batch put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, MomentsOf, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.distorted import DistortedTape, distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind, Settings
from caviar.model.norms.standardise import affine


class Noise(Protocol):
    """What one ghost batch's statistics do to x_hat: `(x_hat - delta) / s`.

    `shared` consecutive examples share one draw; 1 is a draw for each example. `draw` returns
    delta and s, each `(replicas, *shape)` float64, replica r from generator r alone.
    """

    @property
    def shared(self) -> int: ...

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]: ...


@dataclass(frozen=True)
class ShiftNoise:
    """Noise of the mean alone: delta ~ N(0, 1/m), s = 1."""

    shared: int

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        delta = _mean_noise(generators, noise_batch_size, shape)
        return delta, np.ones_like(delta)


@dataclass(frozen=True)
class ScaleNoise:
    """Noise of the deviation alone: delta = 0, s^2 ~ chi^2_{m-1} / m."""

    shared: int

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        s = _deviation_noise(generators, noise_batch_size, shape)
        return np.zeros_like(s), s


@dataclass(frozen=True)
class ShiftAndScaleNoise:
    """Noise of both: delta ~ N(0, 1/m) and s^2 ~ chi^2_{m-1} / m, independent of each other."""

    shared: int

    def draw(
        self, generators: Generators, noise_batch_size: int, shape: tuple[int, int]
    ) -> tuple[Array, Array]:
        delta = _mean_noise(generators, noise_batch_size, shape)
        return delta, _deviation_noise(generators, noise_batch_size, shape)


def _mean_noise(generators: Generators, m: int, shape: tuple[int, int]) -> Array:
    return np.asarray(np.stack([g.standard_normal(shape) for g in generators]) / np.sqrt(m))


def _deviation_noise(generators: Generators, m: int, shape: tuple[int, int]) -> Array:
    if m < 2:
        raise ValueError(f"a ghost batch of {m} has no variance to imitate: it takes 2 examples")
    return np.sqrt(np.stack([g.chisquare(m - 1, shape) for g in generators]) / m)


@dataclass(frozen=True)
class NoisyNorm:
    """Normalises by the whole batch, then blurs x_hat as a ghost of m examples would.

    Keeps the noise of ghost statistics at m = `noise_batch_size`; removes self-influence, the
    noise's dependence on the data and between features, and its gradient: delta and s have the
    law of m independent normal examples, one draw for each group of `noise.shared` examples and
    each feature (the last group may be short), and are constants to the backward pass. Ghost
    noise injection of Kosson, Fan & Jaggi 2024 with the analytic noise of their code. Where the
    batch is the whole training set, this is noise on population statistics. Epsilon is in
    x_hat, so s multiplies the root of variance plus epsilon. Evaluation has no noise. Input and
    output `(replicas, batch, features)`; the tape's statistics are the whole batch's, one group.
    """

    noise_batch_size: int
    epsilon: float
    noise: Noise

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return BatchNorm(self.noise_batch_size, self.epsilon).init(generators, features, dtype)

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, DistortedTape]:
        _, batch, features = x.shape
        groups = -(-batch // self.noise.shared)
        _, plain = BatchNorm(batch, self.epsilon).forward(parameters, x, generators)
        drawn = self.noise.draw(generators, self.noise_batch_size, (groups, features))
        delta, s = (np.repeat(part, self.noise.shared, axis=1)[:, None, :batch] for part in drawn)
        tape = distort(plain, (1 / s).astype(x.dtype), (-delta / s).astype(x.dtype))
        return affine(parameters, tape.distorted), tape

    def backward(
        self, parameters: Parameters, tape: DistortedTape, dy: Array
    ) -> tuple[Array, Parameters]:
        return distorted_backward(parameters, tape, dy)

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return BatchNorm(self.noise_batch_size, self.epsilon).predict(parameters, x, moments_of)


def the_whole_split(batch_size: int, norm_batch_size: int, train: int) -> int:
    """Injected noise blurs population statistics: the whole training split takes part."""
    return train


def _kind(name: str, noise: Callable[[int], Noise]) -> NormKind:
    def make(s: Settings) -> NoisyNorm:
        shared = {"ghost": s["norm_batch_size"], "example": 1}[s["noise_shared"]]
        return NoisyNorm(s["norm_batch_size"], s["epsilon"], noise(shared))

    return NormKind(name, make, GHOSTS | {"noise_shared"}, forward_examples=the_whole_split)


SHIFT_NOISE = _kind("shift-noise", ShiftNoise)
SCALE_NOISE = _kind("scale-noise", ScaleNoise)
SHIFT_AND_SCALE_NOISE = _kind("shift-and-scale-noise", ShiftAndScaleNoise)
