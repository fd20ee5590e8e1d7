"""Control arms of batch norm: each takes one of its mechanisms away and keeps the others.

All start with gamma 1 and beta 0, `(replicas, 1, features)`, and evaluate as BatchNorm does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from model.layers import Array, Generators, Moments, MomentsOf, Parameters
from model.norm import (
    BatchNorm,
    NormTape,
    affine,
    affine_backward,
    batch_moments,
    grouped,
    standardise,
    standardise_backward,
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


@dataclass(frozen=True)
class OtherExamplesNorm:
    """Normalises the first half of its ghosts by the statistics of the second half.

    Removes self-influence without changing the sample: the statistics are those of m other,
    independent examples, which normalise themselves as batch norm does; keeps their noise and
    the gradient through them. The others pass through the layers below under the very
    statistics that they lend, so in deeper layers too only the example's own part is gone. The
    external statistics (EXT) beside the exclusive ones of Kosson, Fan & Jaggi 2024. Input and
    output `(replicas, batch, features)`: ghosts of `norm_batch_size` to be normalised, then as
    many to be normalised by.
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
        ghosts = grouped(x, self.norm_batch_size)
        half, left = divmod(ghosts.shape[1], 2)
        if left:
            raise ValueError(
                f"a batch of {x.shape[1]} is an odd number of ghost batches of "
                f"{self.norm_batch_size}: every one takes another to be normalised by"
            )
        own, others = ghosts[:, :half], ghosts[:, half:]
        x_hat, inverse_deviation, mean, variance = standardise(others, self.epsilon)
        z = np.concatenate([(own - mean) * inverse_deviation, x_hat], axis=1)
        seen = batch_moments(own.reshape(len(x), -1, x.shape[2]), self.norm_batch_size)
        moments = Moments(
            np.concatenate([seen.mean, mean[:, :, 0]], axis=1),
            np.concatenate([seen.variance, variance[:, :, 0]], axis=1),
        )
        divided_by = np.concatenate([inverse_deviation, inverse_deviation], axis=1)
        return affine(parameters, z), NormTape(z, divided_by, moments)

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        half = tape.x_hat.shape[1] // 2
        inverse_deviation = tape.inverse_deviation[:, :half]
        dz, gradients = affine_backward(parameters, tape.x_hat, dy)
        z, x_hat = tape.x_hat[:, :half], tape.x_hat[:, half:]
        through_mean = dz[:, :half].mean(axis=2, keepdims=True)
        through_variance = np.mean(dz[:, :half] * z, axis=2, keepdims=True)
        others = standardise_backward(dz[:, half:], x_hat, inverse_deviation)
        others -= (through_mean + x_hat * through_variance) * inverse_deviation
        dx = np.concatenate([dz[:, :half] * inverse_deviation, others], axis=1)
        return dx.reshape(dy.shape), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return BatchNorm(self.norm_batch_size, self.epsilon).predict(parameters, x, moments_of)


@dataclass(frozen=True)
class StopGradientNorm:
    """Batch norm whose backward pass takes the mean and the variance for constants.

    Removes the gradient through the statistics, two of the three terms of Ioffe & Szegedy 2015,
    section 3 (which warns there of leaving them out); keeps the forward pass: noise and
    self-influence. Input and output `(replicas, batch, features)`, ghosts of `norm_batch_size`.
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
        return BatchNorm(self.norm_batch_size, self.epsilon).forward(parameters, x, generators)

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        dx_hat, gradients = affine_backward(parameters, tape.x_hat, dy)
        return (dx_hat * tape.inverse_deviation).reshape(dy.shape), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return BatchNorm(self.norm_batch_size, self.epsilon).predict(parameters, x, moments_of)


def _centred(x: Array, norm_batch_size: int) -> tuple[Array, Moments]:
    """Deviations from the ghost means, by ghost, and the plain ghost statistics."""
    ghosts = grouped(x, norm_batch_size)
    mean = ghosts.mean(axis=2, keepdims=True)
    centred = ghosts - mean
    return centred, Moments(mean[:, :, 0], np.mean(centred * centred, axis=2))
