"""Momentum batch norm: the batch's statistics averaged with those of the steps before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import (
    GAINS,
    along_weights,
    moments,
    one_hot,
    through_weights,
)
from caviar.model.identities.control_arms import terms
from caviar.model.identities.identity import Identities, Identity, few, products, relative
from caviar.model.identities.site import Site
from caviar.model.norms.kind import GHOSTS, NormKind
from caviar.model.norms.standardise import batch_moments, grouped, plain_tape


def blended_deviation(site: Site) -> Array:
    """The inverse deviation is that of the blended variance."""
    _, variance = _blended(site)
    return relative(site.inverse_deviation**2 * (variance + site.epsilon) - 1, 1)


def blended_definition(site: Site) -> Array:
    """x_hat is the input less the blended mean, times the inverse deviation."""
    mean, _ = _blended(site)
    size = site.reach + np.abs(mean) * site.inverse_deviation
    return relative(site.x_hat - (site.h - mean) * site.inverse_deviation, size)


def shift(site: Site) -> Array:
    """A shift of a ghost moves x_hat by the weight of the running mean, so the gradient sums to
    that share of what it is with constant statistics."""
    expected = _weight(site) * np.sum(site.probe * site.inverse_deviation, axis=2)
    size = terms(site, site.probe).sum(axis=2)
    return relative(site.probed.sum(axis=2) - expected, size)


def stretch(site: Site) -> Array:
    """A stretch of a ghost about its mean moves the blended variance by the ghost's share."""
    c = site.h - site.h.mean(axis=2, keepdims=True)
    size = np.abs(site.h).max(axis=2) * terms(site, site.probe).sum(axis=2)
    stretched = np.sum(site.probe * _stretched(site, c), axis=2)
    return relative(np.sum(c * site.probed, axis=2) - stretched, size)


def blended_influence(site: Site) -> Array:
    """The gradient of a ghost's first output with respect to every input."""
    first, x_hat_0 = one_hot(site), site.x_hat[:, :, :1]
    away = site.x_hat - site.x_hat.mean(axis=2, keepdims=True)
    through = (1 - _weight(site)[:, :, None]) * (1 + away * x_hat_0) / site.size
    size = 1 + np.abs(x_hat_0) * site.reach
    return relative(site.input_gradient(first) / site.inverse_deviation - first + through, size)


def blended_orthogonality(site: Site) -> Array:
    """<w_j, dL/dw_j> is the effect of a shift by the ghosts' means and a stretch about them."""
    mean = site.h.mean(axis=2, keepdims=True)
    change = _weight(site)[:, :, None] * mean * site.inverse_deviation
    change = change + _stretched(site, site.h - mean)
    expected = (site.dz * change).reshape(site.dy.shape).sum(axis=1)
    size = terms(site, site.dz)
    size = through_weights(site, size + size.mean(axis=2, keepdims=True))
    return relative(along_weights(site) - expected, size)


def _stretched(site: Site, c: Array) -> Array:
    """Slope of x_hat in the stretch of the deviations `c` from the ghost's mean."""
    share = (1 - _weight(site)[:, :, None]) * np.mean(c * c, axis=2, keepdims=True)
    return np.asarray(c * site.inverse_deviation - share * site.inverse_deviation**2 * site.x_hat)


def _weight(site: Site) -> Array:
    """The running statistics' weight in the step, `(replicas, 1, 1)`."""
    norm = site.normaliser
    assert isinstance(norm, MomentumBatchNorm)
    return norm.weight_at(site.parameters).astype(np.float64)


def _blended(site: Site) -> tuple[Array, Array]:
    """Mean and variance by which the ghosts should be normalised."""
    weight = _weight(site)[:, :, None]
    ghost = (site.h.mean(axis=2, keepdims=True), site.variance)
    kept = (site.parameters[f"reference_{key}"][:, None] for key in ("mean", "variance"))
    mean, variance = (weight * k + (1 - weight) * s for k, s in zip(kept, ghost, strict=True))
    return mean, variance


@dataclass(frozen=True)
class MomentumBatchNorm:
    """Normalises by running statistics that already hold the step's own.

    Reduces the noise of a ghost's statistics and its self-influence: mean and variance are
    `weight` times those of the steps before plus 1 - `weight` times the ghost's own, so the
    mean's sampling variance is (1 - weight) / (1 + weight) of a ghost's where weights stand
    still. Yong et al. 2020, section 4 (momentum batch normalization), at a constant weight. The
    gradient is exact: it flows through the ghost's own share, and the steps before are constants.
    CNTK's GPU kernel does the same under `blend_time_constant` B with the weight B / (B + m) on
    running statistics that have their own time constant, and blends inverse deviations.

    The running statistics come in as the parameters `reference_mean` and `reference_variance`
    (biased), `(replicas, 1, features)`, and `reference_updates`, `(replicas, 1, 1)`; each step
    blends in the mean over its ghosts, and the first step replaces them. In the first step a
    ghost is normalised by its own statistics alone. Input and output `(replicas, batch,
    features)`, ghosts of `norm_batch_size`.
    """

    norm_batch_size: int
    weight: float
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = GAINS | {
        "moments": Identity(moments),
        "deviation": Identity(blended_deviation, few),
        "definition": Identity(blended_definition),
        "shift": Identity(shift),
        "stretch": Identity(stretch),
        "influence": Identity(blended_influence),
        "orthogonality": Identity(blended_orthogonality, products),
    }

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def references(self, gamma: Array) -> Parameters:
        """The running statistics before the first step."""
        return {
            "reference_mean": np.zeros_like(gamma),
            "reference_variance": np.ones_like(gamma),
            "reference_updates": np.zeros((len(gamma), 1, 1), gamma.dtype),
        }

    def follow(self, references: Parameters, tape: NormTape) -> Parameters:
        """The running statistics after a step whose forward pass returned `tape`."""
        assert tape.moments is not None
        keep = self.weight_at(references)
        mean, variance = (part.mean(axis=1, keepdims=True) for part in tape.moments)
        return {
            "reference_mean": keep * references["reference_mean"] + (1 - keep) * mean,
            "reference_variance": keep * references["reference_variance"] + (1 - keep) * variance,
            "reference_updates": references["reference_updates"] + 1,
        }

    def weight_at(self, parameters: Parameters) -> Array:
        """The weight of the steps before, `(replicas, 1, 1)`: 0 in the first."""
        updates = parameters["reference_updates"]
        return np.where(updates > 0, self.weight, 0).astype(updates.dtype)

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        ghost, keep = batch_moments(x, self.norm_batch_size), self.weight_at(parameters)
        mean = keep * parameters["reference_mean"] + (1 - keep) * ghost.mean
        variance = keep * parameters["reference_variance"] + (1 - keep) * ghost.variance
        inverse_deviation = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        ghosts = grouped(x, self.norm_batch_size)
        x_hat = (ghosts - mean[:, :, None]) * inverse_deviation[:, :, None]
        return plain_tape(x_hat, inverse_deviation[:, :, None], ghost)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        x_hat, share = tape.x_hat, 1 - self.weight_at(parameters)[:, None]
        through = dz.mean(axis=2, keepdims=True)
        away = x_hat - x_hat.mean(axis=2, keepdims=True)
        through = through + away * np.mean(dz * x_hat, axis=2, keepdims=True)
        dx: Array = (dz - share * through) * tape.inverse_deviation
        return dx


MOMENTUM_BATCH = NormKind(
    "momentum-batch",
    MomentumBatchNorm,
    lambda s: MomentumBatchNorm(s["norm_batch_size"], s["running_weight"], s["epsilon"]),
    GHOSTS | {"running_weight"},
)
