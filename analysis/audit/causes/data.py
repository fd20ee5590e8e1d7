"""Data that were not what the statistics stand for: sorted batches, other data."""

from __future__ import annotations

import numpy as np

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.first_norm import First, first_norm
from caviar.analysis.audit.causes.words import cost_in_words, percent
from caviar.analysis.audit.costs import Worth, matters, minus, negative
from caviar.analysis.audit.evidence import Array, NormLayer
from caviar.analysis.audit.facts import LARGE_KL, Facts, kl_of
from caviar.analysis.number_format import number

CONCENTRATED = 0.3
"""How far from random batches to batches of one class a loader must be."""

SCATTERED = 2.0
"""By how much loaded batches must scatter more than batches drawn at random, in deviations."""

INCONSISTENT = 2.0
"""Stored statistics are none of random batches from so many sampling deviations on."""

OTHER = Worth(0.02, 0.05, errors=2.0)
"""How much the test set must gain from statistics of its own."""


def concentration(shares: Array, batch_size: int) -> float:
    """0 for classes drawn at random, 1 for batches of one class each."""
    mean = shares.mean(0)
    random = float(mean @ mean + (1 - mean @ mean) / batch_size)
    observed = float((shares**2).sum(1).mean())
    return (observed - random) / (1 - random) if random < 1 else 0.0


def _scatter_ratio(layer: NormLayer) -> float:
    """Deviation of a loaded batch's mean over that of a random one."""
    loaded, random = layer.loaded.variance.mean, layer.regrouped.variance.mean
    usable = random > 0
    return float(np.sqrt(np.mean(loaded[usable] / random[usable]))) if usable.any() else 0.0


def _unlike_random(facts: Facts) -> bool:
    """Whether what some layer stores is not what random batches leave."""
    return max(max(one.excess_mean, one.excess_variance) for one in facts.parts) > INCONSISTENT


def _has_learned(facts: Facts) -> bool:
    """Whether the right statistics leave the loss at less than half of a guess by frequency."""
    given, guess = facts.evidence.train, facts.guess
    return given is not None and guess is not None and given.population.loss < guess / 2


def _sorted(facts: Facts) -> Told | None:
    shares, m = facts.evidence.class_shares, facts.evidence.batch_size
    if shares is None or not facts.layers or concentration(shares, m) < CONCENTRATED:
        return None
    ratio = max(_scatter_ratio(layer) for layer in facts.layers)
    if ratio < SCATTERED or not _unlike_random(facts) or _has_learned(facts):
        return None
    return Told(
        f"Batches are sorted: their means scatter {number(ratio)} times as much as those of random "
        f"batches, {percent(_largest_share(shares))} of a batch are of its most frequent class, "
        "and what is stored is that of the last batches, not of the data.",
        (
            "Shuffle the training set (`DataLoader(..., shuffle=True)`) and train anew: the "
            "weights learned from batches of few classes, and recomputed statistics do not mend "
            "them.",
        ),
    )


def _largest_share(shares: Array) -> float:
    return float(shares.max(1).mean())


SORTED_BATCHES = Cause(
    "sorted-batches",
    _sorted,
    frozenset({"sampling", "lag", "frozen", "poisoned-batch", "start", "small-batch"}),
)


def _test_differs(facts: Facts) -> Told | None:
    test = facts.evidence.test
    if test is None or test.other is None or test.other_minus_population is None:
        return None
    first = facts.parts[0].shift if facts.parts else None
    if first is None or kl_of(first.mean.value, first.variance.value) < LARGE_KL:
        return None
    gain = negative(test.other_minus_population)
    if not matters(gain, test.other, OTHER):
        return None
    # Where what is stored serves the test set as well, the data given are the other ones.
    cost = test.stored_minus_population
    if cost is not None and not matters(
        minus(cost, test.other_minus_population), test.other, OTHER
    ):
        return None
    log_ratio = facts.layers[0]
    assert log_ratio.other is not None
    ratio = np.sqrt(
        np.nanmedian(
            log_ratio.other.moments.variance
            / np.maximum(log_ratio.population.moments.variance, 1e-30)
        )
    )
    stored = test.stored or test.population
    return Told(
        f"The test set has other inputs than the data given: at norm {log_ratio.name} their "
        f"deviation is {number(float(ratio))} times as large and their means lie "
        f"{number(first.mean.value)} deviations apart; the loss of the test set "
        f"is {number(stored.loss)}, and {number(test.other.loss)} with statistics of its own.",
        (
            "Give the test set the preprocessing of training (scale, mean, colour order, range "
            "0 to 1 or 0 to 255).",
            "If the new data are meant, recompute the statistics on them, without labels: "
            "`caviar.repair` with these data.",
        ),
    )


def _given_differ(facts: Facts) -> Told | None:
    if first_norm(facts) is not First.scaled or not facts.costs():
        return None
    layer, part = facts.layers[0], facts.parts[0]
    ratio = float(np.exp(-np.nanmedian(part.difference_variance) / 2))
    return Told(
        f"The data given are not those that the statistics stand for: at norm {layer.name} their "
        f"deviation is {number(ratio)} times the stored one in all units, while deeper norms "
        f"agree; {cost_in_words(facts)}.",
        (
            "Give them the preprocessing of training (scale, mean, colour order, range 0 to 1 or "
            "0 to 255).",
            f"If the new data are meant: {RECOMPUTE[0].lower()}{RECOMPUTE[1:]}",
        ),
    )


def _other(facts: Facts) -> Told | None:
    return _test_differs(facts) or _given_differ(facts)


OTHER_DATA = Cause("other-data", _other, frozenset({"lag", "sampling", "poisoned-batch"}))
