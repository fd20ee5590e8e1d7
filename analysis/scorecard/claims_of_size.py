"""Claims about losses against batch size, read with population statistics."""

from __future__ import annotations

import math

from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.seedwise import TRAIN, Seedwise
from caviar.analysis.scorecard.sizes import ghost_sizes, size_label

SMALL = 32
SMALL_NETWORKS = "Fully connected networks of two layers, no augmentation and no weight decay"


def noise_lowers_test_loss(s: Seedwise) -> Parts | None:
    """Population statistics less the best noisy size."""
    none = s.population()
    sizes = [size for size in ghost_sizes(s) if size < s.examples]
    if none is None or not sizes:
        return None
    return {"best m": s.loss(*none) - s.best(s.batch_norm, sizes)}


def small_end_worse(s: Seedwise) -> Parts | None:
    """The smallest size against the best size between the ends."""
    return _end_worse(s, 0)


def large_end_worse(s: Seedwise) -> Parts | None:
    """The largest size against the best size between the ends."""
    return _end_worse(s, -1)


def _end_worse(s: Seedwise, end: int) -> Parts | None:
    sizes = ghost_sizes(s)
    if len(sizes) < 3:
        return None
    best = s.best(s.batch_norm, sizes[1:-1])
    return {size_label(sizes[end]): s.loss(s.batch_norm, sizes[end]) - best}


def small_batch_best_at_equal_epochs(s: Seedwise) -> Parts | None:
    """The best large batch against the best small one, where smaller batches take more steps."""
    return _small_batch_best(s) if s.of_batch_norm("steps") is None else None


def small_batch_best_at_equal_steps(s: Seedwise) -> Parts | None:
    """The same where all batches take the same number of steps."""
    return _small_batch_best(s) if s.of_batch_norm("steps") is not None else None


def _small_batch_best(s: Seedwise) -> Parts | None:
    trials = s.run.trials
    if s.design.axis != "batch_size" or (trials["norm_batch_size"] != trials["batch_size"]).any():
        return None
    small = [size for size in s.levels(s.batch_norm) if size <= SMALL]
    large = [size for size in s.levels(s.batch_norm) if size > SMALL]
    if not small or not large:
        return None
    return {f"B up to {SMALL}": s.best(s.batch_norm, large) - s.best(s.batch_norm, small)}


def update_sizes(s: Seedwise) -> list[float]:
    """The batch sizes of an update where only they vary, at equal steps; else none."""
    moves = s.design.axis == "batch_size" and s.of_batch_norm("norm_batch_size") is not None
    equal = moves and s.of_batch_norm("steps") is not None
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
    """The largest batch against the smallest."""
    harmless = large_batch_harmless(s)
    return harmless and dict(list(harmless.items())[-1:])


def ghosts_help_medium(s: Seedwise) -> Parts | None:
    """One ghost, the whole batch of the update, against the best smaller one."""
    whole = s.of_batch_norm("batch_size")
    smaller = [size for size in ghost_sizes(s) if size < (whole or 0)]
    if whole not in ghost_sizes(s) or not smaller:
        return None
    return {size_label(whole): s.loss(s.batch_norm, whole) - s.best(s.batch_norm, smaller)}


def small_underfits(s: Seedwise) -> Parts | None:
    """Train loss at the smallest size less that at the largest, at the rate of the largest."""
    sizes = ghost_sizes(s)
    if len(sizes) < 2:
        return None
    largest = (s.batch_norm, sizes[-1])
    smallest = s.loss_at_rate_of(largest, s.batch_norm, sizes[0], TRAIN)
    return {size_label(sizes[0]): smallest - s.loss(*largest, TRAIN)}


CLAIMS = (
    Claim(
        key="noise-lowers-test-loss",
        source="Ioffe & Szegedy 2015",
        text="Training on the statistics of mini-batches generalises better than training on "
        "those of all examples.",
        tag="V",
        quote="abstract: “It also acts as a regularizer, in some cases eliminating the need for "
        "Dropout.”",
        quantity="test loss of training on population statistics less that of ghosts of the best "
        "size, both read with population statistics",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=noise_lowers_test_loss,
        differs=f"{SMALL_NETWORKS}; the paper compares with networks without batch norm, not with "
        "population statistics.",
        not_tested="Faster training; whether less dropout is needed.",
    ),
    Claim(
        key="small-batch-best-epochs",
        source="Masters & Luschi 2018",
        text="At equal epochs the best mini-batch has between 2 and 32 examples.",
        tag="V",
        quote="abstract: “The best performance has been consistently obtained for mini-batch sizes "
        "between m = 2 and m = 32.”",
        quantity="test loss at the best batch above 32 less that at the best batch up to 32",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="naive-epochs",
        measure=small_batch_best_at_equal_epochs,
        differs=f"{SMALL_NETWORKS}; the learning rate is tuned for every batch, where the paper "
        "tunes it per example.",
        not_tested="The range of stable learning rates. Statistics, gradient noise and the number "
        "of updates move together here.",
    ),
    Claim(
        key="small-batch-best-steps",
        source="Masters & Luschi 2018",
        text="At equal steps, too, the best mini-batch has between 2 and 32 examples.",
        tag="V",
        quote="abstract, as above; the paper itself compares at equal epochs",
        quantity="test loss at the best batch above 32 less that at the best batch up to 32",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="naive-steps",
        measure=small_batch_best_at_equal_steps,
        differs=f"{SMALL_NETWORKS}; equal numbers of updates, which is not the paper's setting.",
        not_tested="Statistics and gradient noise move together here.",
    ),
    Claim(
        key="large-batch-harmless",
        source="Shallue et al. 2019",
        text=f"No larger batch loses {SMALLEST:g} nats or more.",
        tag="V",
        quote="abstract: “We find no evidence that larger batch sizes degrade out-of-sample "
        "performance.”",
        quantity="test loss at each larger batch of the update less that at the smallest, ghosts "
        "of 64 in all, at equal steps",
        region=(-math.inf, SMALLEST),
        smallest=0.0,
        unit="nats",
        design="batch-size",
        measure=large_batch_harmless,
        differs=f"{SMALL_NETWORKS}; learning rate alone is tuned, at equal steps, where the paper "
        "tunes every metaparameter and counts steps to a goal.",
        not_tested="Batches above the 1,024 examples of the training split.",
    ),
    Claim(
        key="small-batch-at-equal-steps",
        source="Smith, Elsen & De 2020",
        text="At equal steps and a fixed ghost size, the smallest batch generalises better than "
        "the largest.",
        tag="V",
        quote="abstract: “small or moderately large batch sizes can substantially outperform very "
        "large batches on the test set. This occurs even when both models are trained for the same "
        "number of iterations”",
        quantity="test loss at the largest batch of the update less that at the smallest, ghosts "
        "of 64 in both",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="batch-size",
        measure=small_batch_at_equal_steps,
        differs=f"{SMALL_NETWORKS}; the largest batch has 1,024 examples, where the paper's effect "
        "sets in at very large ones.",
        not_tested="Equal epochs.",
    ),
    Claim(
        key="ghosts-help-medium",
        source="Summers & Dinneen 2020",
        text="Ghost batches lower test loss at a medium batch, too.",
        tag="V",
        quote="abstract: “the powerful regularization effect of Ghost Batch Normalization for "
        "small and medium batch sizes”",
        quantity="test loss with the update's whole batch of 256 as norm batch less that with the "
        "best smaller ghosts, read with population statistics",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=ghosts_help_medium,
        differs=f"{SMALL_NETWORKS}; the paper trains convolutional networks.",
        not_tested="Running averages at test time.",
    ),
    Claim(
        key="small-underfits",
        source="Yong et al. 2020",
        text="Small norm batches underfit: the noise keeps train loss up.",
        tag="V",
        quote="abstract: “a small batch size may cause the under-fitting problem, resulting in a "
        "less effective model”",
        quantity="train loss at the smallest norm batch less that at the largest, both read with "
        "population statistics",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=small_underfits,
        differs=f"{SMALL_NETWORKS}; only the norm batch moves, the update keeps 256 examples; both "
        "sizes train at the best learning rate of the largest.",
        not_tested="Whether train loss falls at every size in between.",
    ),
    Claim(
        key="small-end-worse",
        source=f"ends of the curve, {THIS_STUDY}",
        text="The smallest norm batch has a higher test loss than the best size in between.",
        tag="D",
        quote="after notes on Wu & Johnson 2021, whose section on it was not read here",
        quantity="test loss at the smallest norm batch less that at the best size between the ends",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=small_end_worse,
        differs=f"{SMALL_NETWORKS}; the smallest norm batch has 4 examples.",
        not_tested="Where the best size of large image networks lies.",
    ),
    Claim(
        key="large-end-worse",
        source=f"ends of the curve, {THIS_STUDY}",
        text="The largest norm batch has a higher test loss than the best size in between.",
        tag="D",
        quote="after notes on Wu & Johnson 2021, whose section on it was not read here",
        quantity="test loss at the largest norm batch, the training split, less that at the best "
        "size between the ends",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=large_end_worse,
        differs=f"{SMALL_NETWORKS}; the largest norm batch is the whole training split.",
        not_tested="Where the best size of large image networks lies.",
    ),
)
