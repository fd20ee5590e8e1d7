"""Batch norm without self-influence: statistics of the rest of the ghost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.identities.batch_norm import GAINS, moments, one_hot
from caviar.model.identities.control_arms import (
    orthogonality,
    scale_null_over,
    shift_null_over,
    terms,
)
from caviar.model.identities.identity import Identities, Identity, products, relative
from caviar.model.identities.site import Site
from caviar.model.norms.kind import Mechanism, NormKind
from caviar.model.norms.standardise import grouped, plain_tape


def others_deviation(site: Site) -> Array:
    """The variance of the others is a difference, which costs digits where it is small."""
    variance = _variance_of_others(site)
    cancelled = (site.h.var(axis=2, keepdims=True) + site.epsilon) / (variance + site.epsilon)
    error = site.inverse_deviation**2 * (variance + site.epsilon) - 1
    return relative(error, (1 + cancelled) * site.reach**2)


def others_definition(site: Site) -> Array:
    mean = _mean_of_others(site)
    return relative(site.x_hat - (site.h - mean) * site.inverse_deviation, site.reach)


def others_influence(site: Site) -> Array:
    mean = _mean_of_others(site)
    first = one_hot(site)
    inverse_0, z_0, reach_0 = (
        a[:, :, :1] for a in (site.inverse_deviation, site.x_hat, site.reach)
    )
    pull = (1 + z_0 * (site.h - mean[:, :, :1]) * inverse_0) / (site.size - 1)
    expected = inverse_0 * np.where(first == 1, 1, -pull)
    size = inverse_0 * (1 + np.abs(z_0) * reach_0)
    return relative(site.input_gradient(first) - expected, size)


def _mean_of_others(site: Site) -> Array:
    """For every example, the mean of the rest of the group."""
    return np.asarray((site.h.sum(axis=2, keepdims=True) - site.h) / (site.size - 1))


def _variance_of_others(site: Site) -> Array:
    """For every example, the biased variance of the rest of the group."""
    c = site.h - site.h.mean(axis=2, keepdims=True)
    square = (np.sum(c**2, axis=2, keepdims=True) - c**2) / (site.size - 1)
    return np.asarray(np.maximum(square - (c / (site.size - 1)) ** 2, 0))


def others_orthogonality(site: Site) -> Array:
    return orthogonality(site, terms(site, site.dz).mean(axis=2, keepdims=True))


@dataclass(frozen=True)
class LeaveOneOutNorm:
    """Normalises each example by the mean and biased variance of the rest of its ghost.

    Removes self-influence, the example inside its own statistics; keeps the noise of a small
    sample (of m - 1) and the gradient through the statistics. This is the Exclusive Batch
    Normalization (XBN) of Kosson, Fan & Jaggi 2024. Input and output `(replicas, batch,
    features)`, ghosts of `norm_batch_size`, at least 3: one other example has no variance.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = GAINS | {
        "moments": Identity(moments),
        "deviation": Identity(others_deviation),
        "definition": Identity(others_definition),
        "shift_null": Identity(shift_null_over((2,))),
        "scale_null": Identity(scale_null_over((2,))),
        "influence": Identity(others_influence),
        "orthogonality": Identity(others_orthogonality, products),
    }

    def sharing(self, batch: int) -> int:
        return self.norm_batch_size

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        m = self.norm_batch_size
        if m < 3:
            raise ValueError(
                f"a ghost batch of {m} leaves {m - 1} to normalise one example by; use at least 3"
            )
        centred, moments = _centred(x, m)
        variance = moments.variance[:, :, None]
        # Below zero only by rounding, where one example has all of a ghost's spread.
        others = np.maximum(variance - centred * centred / (m - 1), 0) * (m / (m - 1))
        inverse_deviation = 1 / np.sqrt(others + x.dtype.type(self.epsilon))
        z = centred * inverse_deviation * (m / (m - 1))
        return plain_tape(z, inverse_deviation, moments)

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        """O(m), since every example's variance is that of the ghost less one term."""
        m = self.norm_batch_size
        z, inverse_deviation = tape.x_hat, tape.inverse_deviation
        pull = dz * z * inverse_deviation * inverse_deviation
        by_variance = pull / (m - 1) - pull.mean(axis=2, keepdims=True)
        dx: Array = dz * inverse_deviation * (m / (m - 1)) + by_variance * (z / inverse_deviation)
        dx -= dx.mean(axis=2, keepdims=True)
        return dx


def _centred(x: Array, norm_batch_size: int) -> tuple[Array, Moments]:
    """Deviations from the ghost means, by ghost, and the plain ghost statistics."""
    ghosts = grouped(x, norm_batch_size)
    mean = ghosts.mean(axis=2, keepdims=True)
    centred = ghosts - mean
    return centred, Moments(mean[:, :, 0], np.mean(centred * centred, axis=2))


LEAVE_ONE_OUT = NormKind(
    "leave-one-out",
    LeaveOneOutNorm,
    lambda s: LeaveOneOutNorm(s["norm_batch_size"], s["epsilon"]),
    smallest_norm_batch_size=3,
    mechanism=Mechanism("self-influence", "removed"),
)
