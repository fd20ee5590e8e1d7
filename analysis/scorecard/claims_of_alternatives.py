"""Claims about what replaces batch norm or repairs it: other norms, noises and decays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.scorecard.claim import ABOVE_ZERO, MARGIN, Claim, Parts
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.sizes import (
    between_statistics,
    ghost_sizes,
    norm_sizes,
    size_label,
)

MEDIUM = 32
"""The norm batch at which batch norm is at its best, in the comparison with group norm."""
SAFE = 64
"""The norm batch at which batch norm is still said to lose nothing."""
SMALL = 8
"""Norm batches up to this size are small, in the sense of claims about repairing them."""


def shared(s: Seedwise, arm: str) -> list[float]:
    """The sizes that an arm and batch norm both have."""
    return [size for size in s.levels(arm) if size in ghost_sizes(s)]


def layer_norm_crosses(s: Seedwise) -> Parts | None:
    """Batch norm less layer norm at the smallest size, layer norm less batch norm at 32."""
    arms, sizes = s.arms_with(norm="layer"), ghost_sizes(s)
    if not arms or MEDIUM not in sizes or sizes[0] == MEDIUM or not s.levels(arms[0]):
        return None
    layer = s.loss(arms[0], s.levels(arms[0])[0])
    return {
        size_label(sizes[0]): s.loss(s.batch_norm, sizes[0]) - layer,
        size_label(MEDIUM): layer - s.loss(s.batch_norm, MEDIUM),
    }


def renorm_gap(s: Seedwise, size: float) -> NDArray[Any]:
    """What batch norm loses from 64 to a size."""
    return s.loss(s.batch_norm, size) - s.loss(s.batch_norm, SAFE)


def renorm_closes_gap(s: Seedwise) -> Parts | None:
    """Half of batch norm's loss from 64 to each small size, less renormalisation's."""
    return {
        size_label(size): 0.5 * renorm_gap(s, size) - (s.loss(arm, size) - s.loss(arm, SAFE))
        for arm in s.arms_with(norm="renorm")[:1]
        for size in shared(s, arm)
        if size <= SMALL and SAFE in shared(s, arm)
    } or None


def renorm_premises(s: Seedwise) -> Parts:
    """There is something to close only where batch norm itself loses."""
    return {size_label(size): renorm_gap(s, size) for size in ghost_sizes(s) if size <= SMALL}


def sorted_ghosts_hurt(s: Seedwise) -> Parts | None:
    """Class-sorted less random ghosts, both read with population statistics."""
    arms = s.arms_with(norm="batch", ghosts="class-sorted")[:1]
    return {
        size_label(size): s.loss(arm, size) - s.loss(s.batch_norm, size)
        for arm in arms
        for size in shared(s, arm)
    } or None


def leave_one_out_helps(s: Seedwise) -> Parts | None:
    """Batch norm less leave-one-out statistics at small sizes."""
    arms = s.arms_with(norm="leave-one-out")[:1]
    return {
        size_label(size): s.loss(s.batch_norm, size) - s.loss(arm, size)
        for arm in arms
        for size in shared(s, arm)
        if size <= SMALL
    } or None


def injected_noise(s: Seedwise) -> tuple[str, list[float]] | None:
    """The arm with a ghost's noise, and the sizes it shares with batch norm."""
    for arm in s.arms_with(norm="shift-and-scale-noise", noise_shared="ghost"):
        if len(shared(s, arm)) > 1:
            return arm, shared(s, arm)
    return None


def injected_noise_as_good(s: Seedwise) -> Parts | None:
    """Injected noise less batch norm, each at its best size."""
    injected = injected_noise(s)
    if injected is None:
        return None
    arm, sizes = injected
    return {"best m of each": s.best(arm, sizes) - s.best(s.batch_norm, sizes)}


def injected_noise_optimum(s: Seedwise) -> Parts | None:
    """log2 of each seed's own best size under noise, less that under batch norm."""
    injected = injected_noise(s)
    if injected is None:
        return None
    arm, sizes = injected
    return {"best m of each": log2_best(s, arm, sizes) - log2_best(s, s.batch_norm, sizes)}


def log2_best(s: Seedwise, arm: str, sizes: list[float]) -> NDArray[Any]:
    """log2 of the size with each seed's lowest test loss; NaN where all are missing."""
    losses = np.stack([s.loss(arm, size) for size in sizes], axis=1)
    finite = np.isfinite(losses)
    best = np.log2(sizes)[np.where(finite, losses, np.inf).argmin(axis=1)]
    return np.where(finite.any(axis=1), best, np.nan)


def gamma_decays(s: Seedwise) -> list[str]:
    """The arms that decay gamma on population statistics."""
    fixed: dict[str, Any] = {"norm": "batch", "norm_batch_size": s.examples, "dropout": 0.0}
    return [arm for arm in s.arms_with(**fixed) if s.of_arm(arm, "gamma_decay") > 0]


def batch_norm_gain(s: Seedwise) -> NDArray[Any]:
    """What batch norm at its best noisy size gains over population statistics."""
    none = s.population()
    assert none is not None
    noisy = [size for size in ghost_sizes(s) if size < s.examples]
    return s.loss(*none) - s.best(s.batch_norm, noisy)


def gamma_decay_closes_gap(s: Seedwise) -> Parts | None:
    """What the best gamma decay gains over population statistics, less half of batch norm's."""
    arms, none = gamma_decays(s), s.population()
    if not arms or none is None or not ghost_sizes(s):
        return None
    decayed = s.loss(*none) - s.best_of([(arm, s.examples) for arm in arms])
    return {"best of each": decayed - 0.5 * batch_norm_gain(s)}


def gamma_premises(s: Seedwise) -> Parts:
    """There is a gap to close only where batch norm gains."""
    return {"best of each": batch_norm_gain(s)}


def evalnorm_helps(s: Seedwise) -> Parts | None:
    """The usual running average less EvalNorm at small sizes: what the paper compares."""
    sizes = [size for size in norm_sizes(s) if size <= SMALL]
    return between_statistics(s, "running", "evalnorm", sizes)


CLAIMS = (
    Claim(
        key="layer-norm-crosses",
        source="Wu & He 2018",
        text=(
            "Without batch statistics one does better at the smallest norm batch and worse at a "
            "medium one."
        ),
        known="recalled",
        quantity=(
            "test loss lost by batch norm at the smallest size, and by layer norm against m = 32"
        ),
        region=ABOVE_ZERO,
        unit="nats",
        measure=layer_norm_crosses,
        not_tested="Group norm itself; that layer norm does not depend on m holds by construction.",
    ),
    Claim(
        key="renorm-closes-gap",
        source="Ioffe 2017",
        text="Batch renormalisation closes most of what small norm batches cost.",
        known="recalled",
        quantity="half of what batch norm loses from m = 64 to m, less what renormalisation loses",
        region=ABOVE_ZERO,
        unit="nats",
        measure=renorm_closes_gap,
        premise=renorm_premises,
        not_tested="The paper's own limits for r and d, and running averages at test time.",
    ),
    Claim(
        key="sorted-ghosts-hurt",
        source="Ioffe 2017",
        text=(
            "Mini-batches that are not drawn at random hurt batch norm read with fixed statistics."
        ),
        known="recalled",
        quantity="test loss of training on class-sorted ghosts less that on random ghosts",
        region=ABOVE_ZERO,
        unit="nats",
        measure=sorted_ghosts_hurt,
        not_tested=(
            "Test batches sorted like those of training, under which the damage should vanish."
        ),
    ),
    Claim(
        key="leave-one-out-helps",
        source="Kosson et al. 2024",
        text="At small norm batches, statistics without the example itself generalise better.",
        known="recalled",
        quantity="test loss of batch norm less that of leave-one-out statistics, m = 4 and 8",
        region=ABOVE_ZERO,
        unit="nats",
        measure=leave_one_out_helps,
        not_tested=(
            "Convolutional networks, whose statistics have many positions behind each example."
        ),
    ),
    Claim(
        key="injected-noise-as-good",
        source="Kosson et al. 2024",
        text=(
            "Noise drawn like a ghost's, on population statistics, does at least as well as ghosts."
        ),
        known="recalled",
        quantity="test loss of injected noise at its best size less that of batch norm at its own",
        region=(-math.inf, MARGIN),
        unit="nats",
        measure=injected_noise_as_good,
        not_tested="Noise drawn from other batches instead of a normal law.",
    ),
    Claim(
        key="injected-noise-optimum",
        source="Kosson et al. 2024",
        text="Injected noise is best at no larger a size than ghost batches are.",
        known="recalled",
        quantity="best size of injected noise against that of batch norm",
        region=(-math.inf, 0.5),
        unit="doublings of m",
        measure=injected_noise_optimum,
        not_tested="Sizes between those of the run.",
    ),
    Claim(
        key="gamma-decay-closes-gap",
        source="Luo et al. 2019",
        text=(
            "Batch norm's regularisation is a decay of gamma: it closes most of the gap between "
            "population statistics and batch norm."
        ),
        known="recalled",
        quantity=(
            "what gamma decay at its best strength gains, less half of what batch norm at its best "
            "size gains"
        ),
        region=ABOVE_ZERO,
        unit="nats",
        measure=gamma_decay_closes_gap,
        premise=gamma_premises,
        not_tested="The strength that the paper's formula gives, and strengths outside the run's.",
    ),
    Claim(
        key="evalnorm-helps",
        source="Singh & Shrivastava 2019",
        text="For small norm batches, statistics that count the test example in lower test loss.",
        known="read in the paper",
        quantity="test loss under the running average less that under EvalNorm, up to m = 8",
        region=ABOVE_ZERO,
        unit="nats",
        measure=evalnorm_helps,
        not_tested=(
            "Weights of the example that are learnt by layer, and convolutional networks with two "
            "images per batch, where an image has moments of its own."
        ),
    ),
)
