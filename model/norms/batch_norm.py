"""Batch norm with ghost batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Moments, MomentsOf, Parameters
from caviar.model.norms.kind import NormKind
from caviar.model.norms.standardise import (
    NormTape,
    affine,
    affine_backward,
    grouped,
    standardise,
    standardise_backward,
)


@dataclass(frozen=True)
class BatchNorm:
    """Batch norm (Ioffe & Szegedy 2015) whose statistics come from ghost batches.

    `norm_batch_size` consecutive examples share one mean and one biased variance (Hoffer et
    al. 2017, ghost batch norm); at the batch size itself this is plain batch norm. Gradients
    flow through both statistics. gamma starts at 1, beta at 0, both `(replicas, 1, features)`.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        shape = (len(generators), 1, features)
        return {"gamma": np.ones(shape, dtype), "beta": np.zeros(shape, dtype)}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        ghosts = grouped(x, self.norm_batch_size)
        x_hat, inverse_deviation, mean, variance = standardise(ghosts, self.epsilon)
        tape = NormTape(x_hat, inverse_deviation, Moments(mean[:, :, 0], variance[:, :, 0]))
        return affine(parameters, x_hat), tape

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        dx_hat, gradients = affine_backward(parameters, tape.x_hat, dy)
        dx = standardise_backward(dx_hat, tape.x_hat, tape.inverse_deviation)
        return dx.reshape(dy.shape), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        mean, variance = moments_of(x)
        deviation = np.sqrt(variance + x.dtype.type(self.epsilon))
        y: Array = grouped(x, x.shape[1] // mean.shape[1]) - mean[:, :, None]
        y *= (parameters["gamma"] / deviation)[:, :, None]
        y += parameters["beta"][:, None]
        return y.reshape(x.shape)


BATCH = NormKind("batch", lambda s: BatchNorm(s["norm_batch_size"], s["epsilon"]))
