"""Batch renormalisation: batch norm corrected towards moving averages of its own statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Moments, MomentsOf, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.distorted import DistortedTape, distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind, Settings
from caviar.model.norms.standardise import NormTape, affine, grouped, standardise


@dataclass(frozen=True)
class BatchRenorm:
    """Batch norm that then corrects x_hat, within limits, towards its moving averages.

    Removes, as far as `r_max` >= 1 and `d_max` >= 0 allow, what the noise of a ghost does to
    the forward pass; keeps the gradient through the ghost's statistics: x_hat r + d with
    r = clip(sigma_g / sigma, 1 / r_max, r_max), d = clip((mu_g - mu) / sigma, -d_max, d_max),
    neither with a gradient. Ioffe 2017, section 3, Algorithm 1: mu and sigma are moving averages
    of the mean and of the deviation, sqrt(variance + epsilon), with `decay`; as there, training
    starts as batch norm and the limits open, here linearly over the first `ramp` steps.

    The averages are the one state of a layer that feeds back into training. They come in as the
    parameters `reference_mean` and `reference_deviation`, `(replicas, 1, features)`, and
    `reference_updates`, `(replicas, 1, 1)`; `references` starts and `follow` advances them: an
    update a step with the mean over the step's ghosts, the first one copied. Input and output
    `(replicas, batch, features)`, ghosts of `norm_batch_size`.
    """

    norm_batch_size: int
    r_max: float
    d_max: float
    decay: float
    ramp: int
    epsilon: float = 1e-5

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return BatchNorm(self.norm_batch_size, self.epsilon).init(generators, features, dtype)

    def references(self, gamma: Array) -> Parameters:
        """The averages before the first step, for replicas and features as those of `gamma`."""
        return {
            "reference_mean": np.zeros_like(gamma),
            "reference_deviation": np.ones_like(gamma),
            "reference_updates": np.zeros((len(gamma), 1, 1), gamma.dtype),
        }

    def follow(self, references: Parameters, tape: DistortedTape) -> Parameters:
        """The averages after a step whose forward pass left `tape`."""
        seen = self._average(tape.plain.moments)
        updates = references["reference_updates"]
        keep = np.where(updates > 0, self.decay, 0).astype(updates.dtype)
        return {
            "reference_mean": keep * references["reference_mean"] + (1 - keep) * seen.mean,
            "reference_deviation": keep * references["reference_deviation"]
            + (1 - keep) * seen.variance,
            "reference_updates": updates + 1,
        }

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, DistortedTape]:
        ghosts = grouped(x, self.norm_batch_size)
        x_hat, inverse_deviation, mean, variance = standardise(ghosts, self.epsilon)
        plain = NormTape(x_hat, inverse_deviation, Moments(mean[:, :, 0], variance[:, :, 0]))
        updates = parameters["reference_updates"]
        centre = parameters["reference_mean"][:, None]
        deviation = parameters["reference_deviation"][:, None]
        # Before the first update there is no average, and the limits are shut.
        opened = np.minimum(updates / max(self.ramp, 1), 1)[:, None]
        r_max, d_max = 1 + _share(self.r_max - 1, opened), _share(self.d_max, opened)
        r = np.clip(1 / (inverse_deviation * deviation), 1 / r_max, r_max)
        d = np.clip((mean - centre) / deviation, -d_max, d_max)
        tape = distort(plain, r.astype(x.dtype), d.astype(x.dtype))
        return affine(parameters, tape.distorted), tape

    def backward(
        self, parameters: Parameters, tape: DistortedTape, dy: Array
    ) -> tuple[Array, Parameters]:
        return distorted_backward(parameters, tape, dy)

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return BatchNorm(self.norm_batch_size, self.epsilon).predict(parameters, x, moments_of)

    def _average(self, moments: Moments) -> Moments:
        """Mean over ghosts of their means and of their deviations, `(replicas, 1, features)`."""
        deviation = np.sqrt(moments.variance + moments.variance.dtype.type(self.epsilon))
        return Moments(
            moments.mean.mean(axis=1, keepdims=True), deviation.mean(axis=1, keepdims=True)
        )


def _share(limit: float, opened: Array) -> Array:
    """`limit * opened`, and nothing of an infinite limit that has not begun to open."""
    return np.multiply(limit, opened, out=np.zeros_like(opened), where=opened > 0)


def _renorm(s: Settings) -> BatchRenorm:
    return BatchRenorm(
        s["norm_batch_size"],
        s["renorm_r_max"],
        s["renorm_d_max"],
        s["renorm_decay"],
        round(s["renorm_ramp"] * s["steps"]),
        s["epsilon"],
    )


RENORM = NormKind(
    "renorm",
    _renorm,
    GHOSTS | {"renorm_r_max", "renorm_d_max", "renorm_decay", "renorm_ramp"},
)
