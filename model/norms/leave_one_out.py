"""Batch norm without self-influence: statistics of the rest of the ghost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Moments, MomentsOf, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.kind import NormKind
from caviar.model.norms.standardise import (
    NormTape,
    affine,
    affine_backward,
    grouped,
)


@dataclass(frozen=True)
class LeaveOneOutNorm:
    """Normalises each example by the mean and biased variance of the rest of its ghost.

    Removes self-influence, the example inside its own statistics; keeps the noise of a small
    sample (of m - 1) and the gradient through the statistics. Exclusive Batch Normalization of
    Kosson, Fan & Jaggi 2024 (XBN). Input and output `(replicas, batch, features)`, ghosts of
    `norm_batch_size`, at least 3: one other example has no variance.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return BatchNorm(self.norm_batch_size, self.epsilon).init(generators, features, dtype)

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        m = self.norm_batch_size
        if m < 3:
            raise ValueError(
                f"a ghost batch of {m} leaves {m - 1} to normalise one example by: it takes 3"
            )
        centred, moments = _centred(x, m)
        variance = moments.variance[:, :, None]
        # Less than zero only by rounding, where all of a ghost's spread is one example.
        others = np.maximum(variance - centred * centred / (m - 1), 0) * (m / (m - 1))
        inverse_deviation = 1 / np.sqrt(others + x.dtype.type(self.epsilon))
        z = centred * inverse_deviation * (m / (m - 1))
        return affine(parameters, z), NormTape(z, inverse_deviation, moments)

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        """O(m): every example's variance is that of the ghost less a term of its own."""
        m = self.norm_batch_size
        z, inverse_deviation = tape.x_hat, tape.inverse_deviation
        dz, gradients = affine_backward(parameters, z, dy)
        pull = dz * z * inverse_deviation * inverse_deviation
        own = pull / (m - 1) - pull.mean(axis=2, keepdims=True)
        dx = dz * inverse_deviation * (m / (m - 1)) + own * (z / inverse_deviation)
        dx -= dx.mean(axis=2, keepdims=True)
        return dx.reshape(dy.shape), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return BatchNorm(self.norm_batch_size, self.epsilon).predict(parameters, x, moments_of)


def _centred(x: Array, norm_batch_size: int) -> tuple[Array, Moments]:
    """Deviations from the ghost means, by ghost, and the plain ghost statistics."""
    ghosts = grouped(x, norm_batch_size)
    mean = ghosts.mean(axis=2, keepdims=True)
    centred = ghosts - mean
    return centred, Moments(mean[:, :, 0], np.mean(centred * centred, axis=2))


LEAVE_ONE_OUT = NormKind(
    "leave-one-out",
    lambda s: LeaveOneOutNorm(s["norm_batch_size"], s["epsilon"]),
    smallest_norm_batch_size=3,
)
