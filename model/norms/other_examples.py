"""Batch norm without self-influence: statistics of as many other examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Moments, MomentsOf, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.kind import NormKind, ghosts_of_the_batch
from caviar.model.norms.standardise import (
    NormTape,
    affine,
    affine_backward,
    batch_moments,
    grouped,
    standardise,
    standardise_backward,
)


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


def twice(batch_size: int, norm_batch_size: int, train: int) -> int:
    """To be normalised by other examples, every ghost takes another."""
    return 2 * ghosts_of_the_batch(batch_size, norm_batch_size, train)


OTHER_EXAMPLES = NormKind(
    "other-examples",
    lambda s: OtherExamplesNorm(s["norm_batch_size"], s["epsilon"]),
    forward_examples=twice,
)
