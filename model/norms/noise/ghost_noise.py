"""Batch norm over the whole batch, blurred by the statistics of another ghost of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED, THROUGH_STATISTICS
from caviar.model.identities.distorted_norms import DISTORTED
from caviar.model.identities.identity import Identities, Identity, relative
from caviar.model.identities.site import Site
from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind
from caviar.model.norms.noise.injected_noise import the_whole_split
from caviar.model.norms.standardise import grouped, standardised


def borrowed(site: Site) -> Array:
    """How far z is from the input standardised by the statistics of the next ghost."""
    norm = site.normaliser
    assert isinstance(norm, GhostNoiseNorm)
    replicas, batch, features = site.dy.shape
    m, whole = norm.norm_batch_size, norm.lenders(batch)
    h, z, reach = (
        part.reshape(replicas, batch, features)
        for part in (site.h, site.z, site.reach + 0 * site.h)
    )
    kept = slice(0, whole * m)
    ghosts = h[:, kept].reshape(replicas, whole, m, features)
    mean, variance = (
        np.roll(part, -1, axis=1)
        for part in (ghosts.mean(axis=2, keepdims=True), ghosts.var(axis=2, keepdims=True))
    )
    deviation = np.sqrt(variance + site.epsilon)
    expected = ((ghosts - mean) / deviation).reshape(replicas, -1, features)
    stretch = 1 / (deviation * site.inverse_deviation).repeat(m, axis=2).reshape(expected.shape)
    size = (1 + np.abs(expected) + stretch) * (1 + stretch**2) * reach[:, kept] ** 2
    return relative(z[:, kept] - expected, size)


@dataclass(frozen=True)
class GhostNoiseNorm:
    """Normalises by the whole batch, then blurs x_hat by what another ghost's statistics would do.

    Keeps the noise of ghosts of `norm_batch_size` consecutive examples with everything that a
    normal law lacks: its shape, and its dependence between features, between layers and on the
    data; removes self-influence, since no ghost uses its own statistics, and the gradient
    through the noise. Ghost g takes the mean and the biased variance of ghost g + 1, the last one
    those of the first: x_hat becomes (x_hat - delta) / s with delta = (mean_g+1 - mean) / sigma and
    s = sqrt((variance_g+1 + epsilon) / (variance + epsilon)), constants to the backward pass. The
    ghost noise injection of Kosson, Fan & Jaggi 2024 draws other examples for each example: that
    is `DrawnGhostNoiseNorm`, which fits far better at m = 8. A last, short ghost borrows too, and
    lends nothing; where there is only one ghost there is no noise. Evaluation has none. Input and
    output `(replicas, batch, features)`; the tape's statistics are the whole batch's, one group.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = (
        TAPED | STANDARDISED | THROUGH_STATISTICS | DISTORTED | {"borrowed": Identity(borrowed)}
    )

    def sharing(self, batch: int) -> int:
        return batch

    def shared_draw(self, batch: int) -> int:
        """How many examples share one scale and one shift: those of a ghost."""
        return min(self.norm_batch_size, batch)

    def lenders(self, batch: int) -> int:
        """How many whole ghosts a batch has."""
        return batch // self.shared_draw(batch)

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        _, batch, _ = x.shape
        m, whole = self.shared_draw(batch), self.lenders(batch)
        plain = standardised(grouped(x, batch), self.epsilon)
        ghosts = grouped(plain.x_hat[:, 0, : whole * m], m)
        delta = ghosts.mean(axis=2)
        # In units of sigma: epsilon shrinks by the inverse variance.
        rest = self.epsilon * plain.inverse_deviation[:, 0] ** 2
        s = np.sqrt(np.mean((ghosts - delta[:, :, None]) ** 2, axis=2) + rest)
        lender = (np.arange(batch) // m + 1) % whole
        delta, s = (part[:, lender][:, None] for part in (delta, s))
        return distort(plain, (1 / s).astype(x.dtype), (-delta / s).astype(x.dtype))

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return distorted_backward(tape, dz)


GHOST_NOISE = NormKind(
    "ghost-noise",
    GhostNoiseNorm,
    lambda s: GhostNoiseNorm(s["norm_batch_size"], s["epsilon"]),
    # Averages watch one group per step, the whole split: there are no ghosts to choose among.
    GHOSTS - {"ghost_update"},
    forward_examples=the_whole_split,
)
