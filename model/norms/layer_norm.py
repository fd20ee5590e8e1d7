"""Layer norm: the control arm without batch statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, MomentsOf, Parameters
from caviar.model.norms.kind import NormKind, the_batch
from caviar.model.norms.standardise import standardise, standardise_backward


@dataclass(frozen=True)
class LayerNorm:
    """Layer norm (Ba, Kiros & Hinton 2016): statistics over the features of one example.

    The control arm without batch statistics: what an example becomes depends on itself alone.
    """

    epsilon: float = 1e-5

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        shape = (len(generators), 1, features)
        return {"gamma": np.ones(shape, dtype), "beta": np.zeros(shape, dtype)}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, tuple[Array, Array]]:
        x_hat, inverse_deviation, _, _ = standardise(x[..., None], self.epsilon)
        y = x_hat[..., 0] * parameters["gamma"] + parameters["beta"]
        return y, (x_hat, inverse_deviation)

    def backward(
        self, parameters: Parameters, tape: tuple[Array, Array], dy: Array
    ) -> tuple[Array, Parameters]:
        x_hat, inverse_deviation = tape
        gradients = {
            "gamma": np.sum(dy * x_hat[..., 0], axis=1, keepdims=True),
            "beta": dy.sum(axis=1, keepdims=True),
        }
        dx_hat = (dy * parameters["gamma"])[..., None]
        return standardise_backward(dx_hat, x_hat, inverse_deviation)[..., 0], gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return self.forward(parameters, x, ())[0]


LAYER = NormKind(
    "layer",
    lambda s: LayerNorm(s["epsilon"]),
    frozenset({"epsilon"}),
    uses_batch_statistics=False,
    forward_examples=the_batch,
)
