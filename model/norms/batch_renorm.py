"""Batch renormalisation: batch norm corrected towards moving averages of its own statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED, THROUGH_STATISTICS
from caviar.model.identities.distorted_norms import DISTORTED, shift_of
from caviar.model.identities.identity import Identities, Identity, few, relative
from caviar.model.identities.site import Site
from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind, Settings
from caviar.model.norms.standardise import grouped, standardised


def limits(site: Site) -> Array:
    """How far r and d are outside the limits r_max and d_max."""
    norm, (shift, size) = site.normaliser, shift_of(site)
    assert isinstance(norm, BatchRenorm)
    above = np.maximum(site.scale / norm.r_max, 1 / (norm.r_max * site.scale)) - 1
    beyond = relative(np.maximum(np.abs(shift) - norm.d_max, 0), size)
    return np.asarray(np.maximum(above, beyond))


@dataclass(frozen=True)
class BatchRenorm:
    """Batch norm that then corrects x_hat, within limits, towards its moving averages.

    Removes, as far as `r_max` >= 1 and `d_max` >= 0 allow, what the noise of a ghost does to the
    forward pass; keeps the gradient through the ghost's statistics: x_hat r + d with r =
    clip(sigma_g / sigma, 1 / r_max, r_max), d = clip((mu_g - mu) / sigma, -d_max, d_max), neither
    with a gradient. As in Ioffe 2017, section 3, Algorithm 1, mu and sigma are moving averages of
    the mean and of the deviation, sqrt(variance + epsilon), with `decay`, and training starts as
    batch norm; then the limits open, here linearly over the first `ramp` steps.

    The averages are the one state of a layer that feeds back into training. They come in as the
    parameters `reference_mean` and `reference_deviation`, `(replicas, 1, features)`, and
    `reference_updates`, `(replicas, 1, 1)`; `references` starts and `follow` advances them: one
    update per step with the mean over the step's ghosts, the first of which is copied. Input and
    output `(replicas, batch, features)`, ghosts of `norm_batch_size`.
    """

    norm_batch_size: int
    r_max: float
    d_max: float
    decay: float
    ramp: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = (
        TAPED | STANDARDISED | THROUGH_STATISTICS | DISTORTED | {"limits": Identity(limits, few)}
    )

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def shared_draw(self, batch: int) -> int:
        """How many examples share one scale and one shift: those of a ghost."""
        return self.norm_batch_size

    def references(self, gamma: Array) -> Parameters:
        """The averages before the first step, for replicas and features as those of `gamma`."""
        return {
            "reference_mean": np.zeros_like(gamma),
            "reference_deviation": np.ones_like(gamma),
            "reference_updates": np.zeros((len(gamma), 1, 1), gamma.dtype),
        }

    def follow(self, references: Parameters, tape: NormTape) -> Parameters:
        """The averages after a step whose forward pass returned `tape`."""
        assert tape.moments is not None
        mean, deviation = self._averages(tape.moments)
        updates = references["reference_updates"]
        keep = np.where(updates > 0, self.decay, 0).astype(updates.dtype)
        return {
            "reference_mean": keep * references["reference_mean"] + (1 - keep) * mean,
            "reference_deviation": keep * references["reference_deviation"]
            + (1 - keep) * deviation,
            "reference_updates": updates + 1,
        }

    def averages(self, references: Parameters) -> Moments:
        """What evaluation normalises by (Algorithm 1): the mean, and the square of the deviation.

        A rounded square may lie below epsilon; its variance is 0 then, as in TensorFlow's layer.
        """
        deviation = references["reference_deviation"]
        square = deviation * deviation - deviation.dtype.type(self.epsilon)
        return Moments(references["reference_mean"], np.maximum(square, 0))

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        plain = standardised(grouped(x, self.norm_batch_size), self.epsilon)
        assert plain.moments is not None
        r, d = self.correction(parameters, plain.inverse_deviation, plain.moments)
        return distort(plain, r, d)

    def correction(
        self, parameters: Parameters, inverse_deviation: Array, moments: Moments
    ) -> tuple[Array, Array]:
        """r and d of ghosts with these statistics, both `(replicas, ghosts, 1, features)`."""
        updates = parameters["reference_updates"]
        centre = parameters["reference_mean"][:, None]
        deviation = parameters["reference_deviation"][:, None]
        # Before the first update there is no average, and the limits are closed.
        opened = np.minimum(updates / max(self.ramp, 1), 1)[:, None]
        r_max, d_max = 1 + _share(self.r_max - 1, opened), _share(self.d_max, opened)
        r = np.clip(1 / (inverse_deviation * deviation), 1 / r_max, r_max)
        d = np.clip((moments.mean[:, :, None] - centre) / deviation, -d_max, d_max)
        real = inverse_deviation.dtype
        return r.astype(real), d.astype(real)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return distorted_backward(tape, dz)

    def _averages(self, moments: Moments) -> tuple[Array, Array]:
        """Mean over ghosts of their means and of their deviations, `(replicas, 1, features)`."""
        deviation = np.sqrt(moments.variance + moments.variance.dtype.type(self.epsilon))
        return moments.mean.mean(axis=1, keepdims=True), deviation.mean(axis=1, keepdims=True)


def _share(limit: float, opened: Array) -> Array:
    """`limit * opened`, and 0 for an infinite limit that has not begun to open."""
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
    BatchRenorm,
    _renorm,
    GHOSTS | {"renorm_r_max", "renorm_d_max", "renorm_decay", "renorm_ramp"},
)
