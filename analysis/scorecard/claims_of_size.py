"""Claims about losses against batch size, and about the statistics that they are read with."""

from __future__ import annotations

import math

import numpy as np

from caviar.analysis.scorecard.claim import ABOVE_ZERO, EQUAL, MARGIN, Claim, Parts
from caviar.analysis.scorecard.seedwise import TRAIN, Seedwise
from caviar.analysis.scorecard.sizes import (
    between_statistics,
    ghost_sizes,
    norm_sizes,
    size_label,
    slopes,
)

SMALL = 32
NOT_TINY = 16


def noise_regularises(s: Seedwise) -> Parts | None:
    """Train loss above and test loss below population statistics, at the best noisy size."""
    none = s.population()
    sizes = [size for size in ghost_sizes(s) if size < s.examples]
    if none is None or not sizes:
        return None
    return {
        "train loss": s.best(s.batch_norm, sizes, TRAIN) - s.loss(*none, TRAIN),
        "test loss": s.loss(*none) - s.best(s.batch_norm, sizes),
    }


def u_shaped(s: Seedwise) -> Parts | None:
    """Both ends against the best size between them."""
    sizes = ghost_sizes(s)
    if len(sizes) < 3:
        return None
    best = s.best(s.batch_norm, sizes[1:-1])
    return {size_label(size): s.loss(s.batch_norm, size) - best for size in (sizes[0], sizes[-1])}


def precise_while_moving(s: Seedwise) -> Parts | None:
    """Running less precise at every size, where the learning rate never falls."""
    if s.of_batch_norm("schedule") != "constant":
        return None
    return between_statistics(s, "running", "precise", norm_sizes(s))


def precise_equal_at_end(s: Seedwise) -> Parts | None:
    """Running less precise where the learning rate has ended at zero."""
    if s.of_batch_norm("schedule") == "constant":
        return None
    sizes = [size for size in norm_sizes(s) if size >= NOT_TINY]
    return between_statistics(s, "running", "precise", sizes)


def small_batch_best(s: Seedwise) -> Parts | None:
    """The best large size against the best small one, where both batches are the same."""
    trials = s.run.trials
    if s.design.axis != "batch_size" or (trials["norm_batch_size"] != trials["batch_size"]).any():
        return None
    small = [size for size in s.levels(s.batch_norm) if size <= SMALL]
    large = [size for size in s.levels(s.batch_norm) if size > SMALL]
    if not small or not large:
        return None
    return {f"B up to {SMALL}": s.best(s.batch_norm, large) - s.best(s.batch_norm, small)}


def update_sizes(s: Seedwise) -> list[float]:
    """The batch sizes of an update where only they vary, tuned, at equal steps; else none."""
    moves = s.design.axis == "batch_size" and s.of_batch_norm("norm_batch_size") is not None
    equal = moves and s.of_batch_norm("steps") is not None and s.tuned
    sizes = s.levels(s.batch_norm) if equal else []
    return sizes if len(sizes) > 1 else []


def large_batch_harmless(s: Seedwise) -> Parts | None:
    """Every larger batch against the smallest."""
    sizes = update_sizes(s)
    if not sizes:
        return None
    smallest = s.loss(s.batch_norm, sizes[0])
    return {f"B = {size:g}": s.loss(s.batch_norm, size) - smallest for size in sizes[1:]}


def small_batch_at_equal_steps(s: Seedwise) -> Parts | None:
    """Least-squares slope of test loss on log2 B, one fit per seed."""
    sizes = update_sizes(s)
    if len(sizes) < 3:
        return None
    losses = np.stack([s.loss(s.batch_norm, size) for size in sizes], axis=1)
    return {"all B": slopes(np.log2(sizes), losses)}


def ghosts_help_medium(s: Seedwise) -> Parts | None:
    """One ghost, the whole batch of the update, against the best smaller one."""
    whole = s.of_batch_norm("batch_size")
    smaller = [size for size in ghost_sizes(s) if size < (whole or 0)]
    if whole not in ghost_sizes(s) or not smaller:
        return None
    return {size_label(whole): s.loss(s.batch_norm, whole) - s.best(s.batch_norm, smaller)}


def small_underfits(s: Seedwise) -> Parts | None:
    """Train loss at the smallest size less that at the largest."""
    sizes = ghost_sizes(s)
    if len(sizes) < 2:
        return None
    smallest, largest = (s.loss(s.batch_norm, size, TRAIN) for size in (sizes[0], sizes[-1]))
    return {size_label(sizes[0]): smallest - largest}


CLAIMS = (
    Claim(
        key="noise-regularises",
        source="Ioffe & Szegedy 2015",
        text="The noise of mini-batch statistics regularises.",
        known="recalled",
        quantity=(
            "train loss above, and test loss below, that of population statistics at the best size"
        ),
        region=ABOVE_ZERO,
        unit="nats",
        measure=noise_regularises,
        not_tested="Faster training; whether less dropout is needed.",
    ),
    Claim(
        key="u-shaped",
        source="Wu & Johnson 2021",
        text="Test loss is U-shaped in the norm batch size: both ends are worse than the middle.",
        known="recalled",
        quantity="test loss at either end less that at the best size between",
        region=ABOVE_ZERO,
        unit="nats",
        measure=u_shaped,
        not_tested="Where the best size of large image networks lies.",
    ),
    Claim(
        key="precise-while-moving",
        source="Wu & Johnson 2021",
        text="While weights still move, precise statistics beat running averages.",
        known="read in the paper",
        quantity="test loss under the running average less that under precise statistics",
        region=ABOVE_ZERO,
        unit="nats",
        measure=precise_while_moving,
        not_tested=(
            "Larger training batches than the run has, and whether validation curves are steadier."
        ),
    ),
    Claim(
        key="precise-equal-at-end",
        source="Wu & Johnson 2021",
        text=(
            "Once training has come to rest, running averages are as good as precise statistics, "
            "unless the norm batch is tiny."
        ),
        known="read in the paper",
        quantity=(
            "test loss under the running average less that under precise statistics, from m = 16 up"
        ),
        region=EQUAL,
        unit="nats",
        measure=precise_equal_at_end,
        not_tested="Norm batches below 16, and decays other than the study's own.",
    ),
    Claim(
        key="small-batch-best",
        source="Masters & Luschi 2018",
        text="The best mini-batch has between 2 and 32 examples.",
        known="read in the paper",
        quantity="test loss at the best size above 32 less that at the best size up to 32",
        region=ABOVE_ZERO,
        unit="nats",
        measure=small_batch_best,
        not_tested=(
            "Sizes that the run lacks; the range of stable learning rates. Statistics, gradient "
            "noise and the number of updates move together here."
        ),
    ),
    Claim(
        key="large-batch-harmless",
        source="Shallue et al. 2019",
        text="There is no evidence that larger batch sizes degrade out-of-sample performance.",
        known="read in the paper",
        quantity="test loss at each larger batch, at its best draw, less that at the smallest",
        region=(-math.inf, MARGIN),
        unit="nats",
        measure=large_batch_harmless,
        not_tested="Other budgets; momentum and schedule tuned again for every size.",
    ),
    Claim(
        key="small-batch-at-equal-steps",
        source="Smith, Elsen & De 2020",
        text="At equal steps and a fixed ghost size, smaller batches generalise better.",
        known="read in the paper",
        quantity="slope of test loss on log2 B, each batch at its best draw",
        region=ABOVE_ZERO,
        unit="nats per doubling of B",
        measure=small_batch_at_equal_steps,
        not_tested="Batches outside the run's range, and equal epochs.",
    ),
    Claim(
        key="ghosts-help-medium",
        source="Summers & Dinneen 2020",
        text="Ghost batches lower test loss at medium batch sizes too.",
        known="read in the paper",
        quantity=(
            "test loss with the whole update's batch as norm batch less that with the best ghosts"
        ),
        region=ABOVE_ZERO,
        unit="nats",
        measure=ghosts_help_medium,
        not_tested="Convolutional networks, and running averages at test time.",
    ),
    Claim(
        key="small-underfits",
        source="Yong et al. 2020",
        text="Small norm batches underfit: the noise keeps train loss up.",
        known="read in the paper",
        quantity=(
            "train loss under population statistics at the smallest size less that at the largest"
        ),
        region=ABOVE_ZERO,
        unit="nats",
        measure=small_underfits,
        not_tested="Whether train loss falls at every size in between.",
    ),
)
