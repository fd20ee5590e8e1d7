"""Batch norm over the whole batch, blurred by the statistics of another ghost of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED, THROUGH_STATISTICS
from caviar.model.identities.distorted_norms import DISTORTED
from caviar.model.identities.identity import Identities, Identity, relative
from caviar.model.identities.site import Site
from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind
from caviar.model.norms.noise.injected_noise import the_whole_split
from caviar.model.norms.standardise import batch_moments, grouped, standardised


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
        m = self.shared_draw(batch)
        plain = standardised(grouped(x, batch), self.epsilon)
        ghosts = batch_moments(plain.x_hat[:, 0, : self.lenders(batch) * m], m)
        lent = self.lent(batch, ghosts, plain.inverse_deviation[:, 0])
        scale, shift = (np.repeat(part, m, axis=1)[:, None, :batch] for part in lent)
        return distort(plain, scale, shift)

    def lent(self, batch: int, ghosts: Moments, inverse_deviation: Array) -> tuple[Array, Array]:
        """The scale and the shift of each ghost, from the statistics of x_hat in whole ghosts.

        `inverse_deviation` is the batch's, `(replicas, 1, features)`; the other arrays are
        `(replicas, ghosts, features)`, with one more ghost in what is returned where the last one
        is short.
        """
        # In units of sigma: epsilon shrinks by the inverse variance.
        s = np.sqrt(ghosts.variance + self.epsilon * inverse_deviation**2)
        borrowers = -(-batch // self.shared_draw(batch))
        lender = (np.arange(borrowers) + 1) % self.lenders(batch)
        delta, s = (part[:, lender] for part in (ghosts.mean, s))
        real = inverse_deviation.dtype
        return (1 / s).astype(real), (-delta / s).astype(real)

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
