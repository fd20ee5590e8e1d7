"""Noise of batches: in the statistics (sampling), or in the batches themselves (small batches)."""

from __future__ import annotations

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.words import cost_in_words
from caviar.analysis.audit.costs import CLEAR, PLAIN, Worth, matters
from caviar.analysis.audit.facts import Facts
from caviar.analysis.number_format import number

SMALL = 8
"""Up to so many examples behind a mean a batch is called small."""

SHORT = 0.25
"""From this momentum on the memory is of few batches."""

OF_OTHER_WEIGHTS = 0.03
"""Statistics of averaged or changed weights diverge by more than this, in nats per unit. Those that
trail weights which move to the last step diverge by less: any training at a constant rate has
some of that."""

OTHERS, TRAILING = (PLAIN, Worth(0.005, 0.5)), (Worth(0.03, 0.5), Worth(0.005, 1.0))
"""What a lag must cost, either of two: few nats count where they are a large share of the loss."""

EXPLAINED = 2.5
"""Sampling explains deviations up to so many times its law."""


def _small(facts: Facts) -> Told | None:
    m = facts.evidence.batch_size
    readings = facts.evidence.test or facts.evidence.train
    if m > SMALL or readings is None:
        return None
    noise = readings.batch_minus_population
    if not matters(noise, readings.population, CLEAR):
        return None
    if facts.costs_plainly and facts.cost > noise.loss:
        return None
    return Told(
        f"Batches are small: each norm sees {m} examples, and their noise adds "
        f"{number(noise.loss)} nats to a training loss of {number(readings.population.loss)}, "
        f"while the stored statistics cost {number(max(0.0, facts.cost))}.",
        (
            "Let more examples share a mean: a larger batch per device, or "
            "`torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)` on several devices "
            "(accumulating gradients does not enlarge it).",
            "Or replace the norm by `torch.nn.GroupNorm`, which needs no batch.",
        ),
    )


SMALL_BATCH = Cause("small-batch", _small, frozenset({"sampling"}))


def _sampling(facts: Facts) -> Told | None:
    momentum = facts.momentum
    # A memory of few batches is a setting to change; the usual one leaves some noise in any model.
    short = momentum is not None and momentum >= SHORT
    if not facts.costs(CLEAR if short else PLAIN) or facts.excess > EXPLAINED:
        return None
    memory = (
        f"momentum={number(momentum)} averages over about {number(max(1.0, 1 / momentum))} batches"
        if momentum
        else "they average over few batches"
    )
    shorter = number(momentum / 10) if momentum else "0.01"
    return Told(
        f"The statistics are noisy: {memory} of {facts.evidence.batch_size:,}, and what batches "
        f"scatter explains their errors; {cost_in_words(facts)}.",
        (
            RECOMPUTE,
            f"Or end training with a longer memory: momentum={shorter} for its last steps, at a "
            "small learning rate.",
        ),
    )


SAMPLING = Cause("sampling", _sampling, frozenset({"lag"}))


def _lag(facts: Facts) -> Told | None:
    worths = OTHERS if facts.largest_kl > OF_OTHER_WEIGHTS else TRAILING
    if not any(facts.costs(worth) for worth in worths):
        return None
    return Told(
        "The statistics belong to other weights or data than these: they lie "
        f"{number(facts.excess)} times as far from those of batches as sampling explains; "
        f"{cost_in_words(facts)}.",
        (
            RECOMPUTE,
            "Do so whenever weights change without training steps in train mode: after averaging "
            "(SWA, EMA), quantising, pruning, merging; let the learning rate fall to zero, or the "
            "memory be shorter, where training moves the weights faster than they follow.",
        ),
    )


LAG = Cause("lag", _lag)
