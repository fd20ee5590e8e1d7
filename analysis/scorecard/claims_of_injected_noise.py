"""Claims about what imitates batch noise: noise injected on population statistics, gamma decay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.run.choice import Choice
from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_alternatives import shared
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import Place, Seedwise
from caviar.analysis.scorecard.sizes import ghost_sizes

BEST = "best m of each"


def real_noise(s: Seedwise) -> list[Place]:
    """Noise from other ghosts of the same update, at the sizes that it shares with batch norm."""
    return shared(s, norm="ghost-noise")


def normal_noise(s: Seedwise) -> list[Place]:
    """Noise drawn from the law of normal examples, shared by a ghost."""
    return shared(s, norm="shift-and-scale-noise", noise_shared="ghost")


def real_noise_better(s: Seedwise) -> Parts | None:
    """Batch norm less noise from other ghosts, each at its best size."""
    return _better(s, real_noise(s))


def normal_noise_better(s: Seedwise) -> Parts | None:
    """Batch norm less noise from the normal law, each at its best size."""
    return _better(s, normal_noise(s))


def _better(s: Seedwise, noisy: list[Place]) -> Parts | None:
    if len(noisy) < 2:
        return None
    return {BEST: s.best(s.batch_norm, [size for _, size in noisy]) - s.best_of(noisy)}


def noise_optimum(s: Seedwise) -> Parts | None:
    """log2 of each seed's own best size under noise from other ghosts, less that of ghosts."""
    noisy = real_noise(s)
    if len(noisy) < 2:
        return None
    ghosts = [(s.batch_norm, size) for _, size in noisy]
    return {BEST: log2_best(s, noisy) - log2_best(s, ghosts)}


def log2_best(s: Seedwise, places: list[Place]) -> NDArray[Any]:
    """log2 of the size with each seed's lowest test loss; NaN where one is missing."""
    losses = np.stack([s.loss(*place) for place in places], axis=1)
    finite = np.isfinite(losses).all(axis=1)
    best = np.log2([size for _, size in places])[np.where(finite[:, None], losses, 0).argmin(1)]
    return np.where(finite, best, np.nan)


def gamma_decays(s: Seedwise) -> list[Place]:
    """The arms that decay gamma on population statistics."""
    decaying = [a for a in s.on_population("gamma_decay") if (s.of_arm(a, "gamma_decay") or 0) > 0]
    return [(arm, level) for arm in decaying for level in s.levels(arm)]


def batch_norm_gain(s: Seedwise) -> Choice:
    """What batch norm at its best noisy size gains over population statistics."""
    none = s.population()
    assert none is not None
    noisy = [size for size in ghost_sizes(s) if size < s.examples]
    return -s.best(s.batch_norm, noisy) + s.loss(*none)


def gamma_decay_closes_gap(s: Seedwise) -> Parts | None:
    """What the best gamma decay gains over population statistics, less half of batch norm's."""
    decays, none = gamma_decays(s), s.population()
    if not decays or none is None or not ghost_sizes(s):
        return None
    return {"best of each": s.loss(*none) - s.best_of(decays) - 0.5 * batch_norm_gain(s)}


def gamma_premises(s: Seedwise) -> Parts:
    """There is a gap to close only where batch norm gains."""
    return {"best of each": batch_norm_gain(s)}


CLAIMS = (
    Claim(
        key="ghost-noise-better",
        source="Kosson et al. 2024",
        text="Noise taken from other ghosts and injected generalises better than ghost batches.",
        tag="V",
        quote="abstract: “We experimentally show that GNI can provide a greater generalization "
        "benefit than GBN.”",
        quantity="test loss of ghost batches of the best size less that of population statistics "
        "with the noise of other ghosts of its best size, both read with population statistics",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=real_noise_better,
        differs=f"{SMALL_NETWORKS}; a ghost of the same update lends its noise to all examples of "
        "another, where the paper draws examples with replacement for each example, which on the "
        "digits lowers test loss by 0.008 nats at m = 16 and by 0.105 at m = 8; the rest is "
        "normalised by the training split's statistics instead of the batch's.",
        not_tested="Noise drawn for each example, with which this may come out otherwise: that is "
        "the arm drawn-ghosts of studies/mechanisms.toml, in its table arm_effects; shift and "
        "scale apart; other sizes than 8, 16 and 64.",
    ),
    Claim(
        key="gamma-decay-closes-gap",
        source="Luo et al. 2019",
        text="A decay of gamma on population statistics gains at least half of what batch norm "
        "gains.",
        tag="V",
        quote="abstract: “BN can be decomposed into population normalization (PN) and gamma decay "
        "as an explicit regularization”; “at least half” is ours",
        quantity="what gamma decay of the best strength takes off the test loss of population "
        "statistics, less half of what ghosts of the best size take off",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=gamma_decay_closes_gap,
        premise=gamma_premises,
        differs=f"{SMALL_NETWORKS}; strengths 0.001, 0.01 and 0.1, where the paper's formula gives "
        "one per layer.",
        not_tested="Strengths outside these, and different ones for different layers.",
    ),
    Claim(
        key="normal-noise-better",
        source=f"injected noise, {THIS_STUDY}",
        text="Noise drawn from the law of normal examples generalises better than ghost batches.",
        tag="D",
        quote="the row of noise from other ghosts with independent normal draws in its place",
        quantity="test loss of ghost batches of the best size less that of population statistics "
        "with normal noise of its best size",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=normal_noise_better,
        differs=f"{SMALL_NETWORKS}; noise is independent between features.",
        not_tested="Other laws.",
    ),
    Claim(
        key="noise-optimum",
        source=f"injected noise, {THIS_STUDY}",
        text="Noise from other ghosts is best at no larger a size than ghost batches are.",
        tag="D",
        quote="expected where the example's part in its own statistics costs most at small sizes",
        quantity="best size of noise from other ghosts against that of ghost batches",
        region=(-math.inf, 0.5),
        smallest=0.0,
        unit="doublings of m",
        design="norms",
        measure=noise_optimum,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Sizes between those of the run.",
    ),
)
