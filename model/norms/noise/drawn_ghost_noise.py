"""Batch norm over the whole batch, each example blurred by a ghost drawn for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma
from typing import ClassVar

import numpy as np

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.identities.batch_norm import STANDARDISED, TAPED, THROUGH_STATISTICS
from caviar.model.identities.identity import Identities, Identity, chance, relative
from caviar.model.identities.site import Site
from caviar.model.norms.distorted import distort, distorted_backward
from caviar.model.norms.kind import GHOSTS, NormKind
from caviar.model.norms.noise.injected_noise import the_whole_split
from caviar.model.norms.standardise import grouped, standardised


def borrowed(site: Site) -> Array:
    """How far z is from the input standardised by the statistics of the ghost drawn for it."""
    h = site.h[:, 0]
    mean, variance = moments_of_drawn(h, _lenders(site))
    deviation = np.sqrt(variance + site.epsilon)
    expected = (h - mean) / deviation
    stretch = 1 / (deviation * site.inverse_deviation[:, 0])
    size = (1 + np.abs(expected) + stretch) * (1 + stretch**2) * site.reach[:, 0] ** 2
    return relative(site.z[:, 0] - expected, size)


def drawn_uniformly(site: Site) -> Array:
    """Nats by which the draws miss their law: all examples are equally likely to lend.

    Counted are lenders, and how far each lies behind its borrower; the method of types bounds the
    chance of counts of n draws among k examples by exp(-n KL) times the number of possible
    counts (Cover & Thomas 2006, section 11.2).
    """
    lenders = _lenders(site)
    behind = (lenders - np.arange(site.batch)[:, None]) % site.batch
    return np.array([[_nats(one, site.batch) for one in part] for part in (lenders, behind)])


def _lenders(site: Site) -> Array:
    assert site.tape.lenders is not None
    return site.tape.lenders


def _nats(drawn: Array, examples: int) -> float:
    counts = np.bincount(drawn.ravel(), minlength=examples)
    n, kept = drawn.size, counts[counts > 0]
    possible = lgamma(n + examples) - lgamma(examples) - lgamma(n + 1)
    return float(np.sum(kept * np.log(kept * examples / n)) - possible)


def moments_of_drawn(x: Array, lenders: Array) -> tuple[Array, Array]:
    """Mean and biased variance of the examples of `x` drawn for each example, shaped as `x`.

    `x` is `(replicas, batch, features)`, `lenders` `(replicas, batch, m)`: rows of `x`.
    """
    m = lenders.shape[2]
    mean = sum(_rows(x, lenders[:, :, j]) for j in range(m)) / m
    variance = sum((_rows(x, lenders[:, :, j]) - mean) ** 2 for j in range(m)) / m
    return np.asarray(mean), np.asarray(variance)


def _rows(x: Array, rows: Array) -> Array:
    return np.stack([one[of] for one, of in zip(x, rows, strict=True)])


def blurred(plain: NormTape, lenders: Array, epsilon: float) -> NormTape:
    """`plain`, one group per replica, with each example under its lenders' noise."""
    x_hat = plain.x_hat[:, 0]
    delta, variance = moments_of_drawn(x_hat, lenders)
    # In units of sigma: epsilon shrinks by the inverse variance.
    s = np.sqrt(variance + epsilon * plain.inverse_deviation[:, 0] ** 2)
    scale, shift = (part[:, None].astype(x_hat.dtype) for part in (1 / s, -delta / s))
    return distort(plain, scale, shift)._replace(lenders=lenders)


@dataclass(frozen=True)
class DrawnGhostNoiseNorm:
    """Normalises by the whole batch, then blurs each x_hat by a ghost drawn for this example.

    For every example, and anew in every layer, `norm_batch_size` examples of the batch are drawn
    with replacement (itself among them by chance, as in the authors' code). With their mean and
    biased variance, x_hat becomes (x_hat - delta) / s, where delta = (mean - batch mean) / sigma
    and s = sqrt((variance + epsilon) / (batch variance + epsilon)) are constants to the backward
    pass. This is ghost noise injection as Kosson, Fan & Jaggi 2024 do it (arXiv 2305.17205; their
    `nodo/ghost_noise_injector_replacement.py`), but on the statistics of the whole training split
    instead of the mini-batch. Keeps the noise of ghost statistics with its shape and its
    dependence between features; removes self-influence but for that chance, the gradient through
    the noise, its dependence between layers, and its being shared by the examples of a ghost.
    Evaluation has none. Input and output `(replicas, batch, features)`; the tape's statistics are
    the whole batch's, one group.
    """

    norm_batch_size: int
    epsilon: float = 1e-5

    uses_batch_statistics: ClassVar[bool] = True
    identities: ClassVar[Identities] = (
        TAPED
        | STANDARDISED
        | THROUGH_STATISTICS
        | {"borrowed": Identity(borrowed), "drawn": Identity(drawn_uniformly, chance)}
    )

    def sharing(self, batch: int) -> int:
        return batch

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        _, batch, _ = x.shape
        lenders = self.lenders(generators, batch)
        return blurred(standardised(grouped(x, batch), self.epsilon), lenders, self.epsilon)

    def lenders(self, generators: Generators, batch: int) -> Array:
        """The examples drawn for each example, `(replicas, batch, norm_batch_size)`."""
        shape = batch, self.norm_batch_size
        return np.stack([g.integers(0, batch, shape) for g in generators])

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        return distorted_backward(tape, dz)


DRAWN_GHOST_NOISE = NormKind(
    "drawn-ghost-noise",
    DrawnGhostNoiseNorm,
    lambda s: DrawnGhostNoiseNorm(s["norm_batch_size"], s["epsilon"]),
    # Averages watch one group per step, the whole split: there are no ghosts to choose among.
    GHOSTS - {"ghost_update"},
    forward_examples=the_whole_split,
    draws=True,
)
