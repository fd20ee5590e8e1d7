"""Batch norm without the gradient through its statistics."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, MomentsOf, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.kind import NormKind
from caviar.model.norms.standardise import (
    NormTape,
    affine_backward,
)


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


STOP_GRADIENT = NormKind(
    "stop-gradient", lambda s: StopGradientNorm(s["norm_batch_size"], s["epsilon"])
)
