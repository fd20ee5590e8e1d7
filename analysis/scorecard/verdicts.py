"""What a run says of a claim: seen here, the opposite, too small to matter, or not decided."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from caviar.analysis.number_format import number
from caviar.analysis.run.choice import Choice
from caviar.analysis.scorecard.claim import Claim, Parts
from caviar.analysis.statistics.intervals import (
    FEWEST,
    Array,
    Interval,
    mean_intervals,
    t_tail,
)
from caviar.analysis.tables.estimates import SEED

ALPHA = 0.05

Outcome = Literal["seen here", "the opposite seen here", "too small to matter here", "not decided"]
SEEN: Outcome = "seen here"
OPPOSITE: Outcome = "the opposite seen here"
TOO_SMALL: Outcome = "too small to matter here"
NOT_DECIDED: Outcome = "not decided"
OUTCOMES: tuple[Outcome, ...] = (SEEN, OPPOSITE, TOO_SMALL, NOT_DECIDED)

FARTHEST = 1e300
"""Stands for an infinite end of an interval, which lies inside a region without an end there."""

FEW_SEEDS = f"fewer than {FEWEST} seeds"
NO_PREMISE = "what the claim presupposes is not significant here"


class Verdict(NamedTuple):
    """What a run says of a claim, and the number whose bound is worst for the claim.

    `place` is, of the `places` measured, the one whose interval `low` to `high` of `effect` reaches
    farthest out of the claimed region; `least` and `most` are the means over all places. `seeds`
    entered, `left_out` had no finite measurement. `p` is the largest over places of the p-value of
    the outcome (Student's t), 1 where nothing is decided. `why` says why not, in words.
    """

    verdict: Outcome
    effect: float
    low: float
    high: float
    place: str
    places: int
    least: float
    most: float
    seeds: int
    left_out: int
    p: float
    why: str


def verdict(claim: Claim, parts: Parts, premises: Parts, untuned: str = "") -> Verdict:
    """Decide a claim from the quantity at every place: `(seeds,)`, or a choice among options.

    An outcome holds where the 95 % interval lies wholly in its part of the axis at *every* place,
    an intersection-union test without need of a correction. So a verdict is wrong only where an
    interval misses the truth. Seeds without a finite measurement (a diverged network
    is a fact about its arm), an unmet premise and `untuned`, which says that a learning rate was
    not tuned, leave the claim undecided, whatever the other seeds say.
    """
    intervals = {place: interval_of(quantity) for place, quantity in parts.items()}
    outcomes = {outcome_of(interval, claim) for interval in intervals.values()}
    missing = {place: int((~np.isfinite(_shown(one))).sum()) for place, one in parts.items()}
    place = min(parts, key=lambda one: slack_of(intervals[one].low, intervals[one].high, claim))
    why = _undecided(outcomes, missing, premises, untuned, max(i.units for i in intervals.values()))
    outcome = NOT_DECIDED if why else outcomes.pop()
    shown, means = intervals[place], [interval.mean for interval in intervals.values()]
    return Verdict(
        outcome,
        shown.mean,
        shown.low,
        shown.high,
        place,
        len(parts),
        float(np.nanmin(means)) if np.isfinite(means).any() else math.nan,
        float(np.nanmax(means)) if np.isfinite(means).any() else math.nan,
        shown.units,
        missing[place],
        max(p_value(quantity, outcome, claim) for quantity in parts.values()),
        why,
    )


def _undecided(
    outcomes: set[Outcome],
    missing: dict[str, int],
    premises: Parts,
    untuned: str,
    seeds: int,
) -> str:
    """Why nothing is decided; empty if something is."""
    lost = {place: count for place, count in missing.items() if count}
    if lost:
        place = max(lost, key=lambda one: lost[one])
        seed = "seed" if lost[place] == 1 else "seeds"
        has = "has" if lost[place] == 1 else "have"
        return (
            f"{lost[place]} {seed} {has} no value at {place}: diverged, not measured, or outside "
            "what was trained (see Not tested)"
        )
    if seeds < FEWEST:
        return FEW_SEEDS
    if untuned:
        return untuned
    if not all(_above_zero(values) for values in premises.values()):
        return NO_PREMISE
    if len(outcomes) > 1:
        return "places differ"
    return "the interval crosses an edge" if outcomes == {NOT_DECIDED} else ""


def outcome_of(interval: Interval, claim: Claim) -> Outcome:
    """The outcome whose part of the axis holds the whole interval."""
    if math.isnan(interval.low):
        return NOT_DECIDED
    for outcome in (SEEN, OPPOSITE, TOO_SMALL):
        for low, high in parts_of_the_axis(claim)[outcome]:
            if low < max(interval.low, -FARTHEST) and min(interval.high, FARTHEST) < high:
                return outcome
    return NOT_DECIDED


def parts_of_the_axis(claim: Claim) -> dict[Outcome, list[tuple[float, float]]]:
    """Where a value speaks for each outcome: open intervals that do not overlap."""
    (low, high), band = claim.region, claim.smallest
    ends = [end for end in claim.region if math.isfinite(end)]
    outside = [(-math.inf, low - band)] if math.isfinite(low) else []
    outside += [(high + band, math.inf)] if math.isfinite(high) else []
    return {
        SEEN: [(low + band, high - band)],
        OPPOSITE: outside,
        TOO_SMALL: [(end - band, end + band) for end in ends] if band else [],
    }


def slack_of(low: float, high: float, claim: Claim) -> float:
    """How far inside the claimed region the worse end of an interval lies; minus infinity for an
    interval without ends."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return -math.inf
    return min(low - claim.region[0], claim.region[1] - high)


def p_value(quantity: Array | Choice, outcome: Outcome, claim: Claim) -> float:
    """The smallest 1 - level at which two-sided t intervals still give the outcome."""
    from_below, from_above = _sides(quantity)
    if outcome == NOT_DECIDED or not np.isfinite(from_below).all():
        return 1.0
    return min(
        max(
            *(_t_test(values, float(values.mean()) - low) for values in from_below),
            *(_t_test(values, high - float(values.mean())) for values in from_above),
        )
        for low, high in parts_of_the_axis(claim)[outcome]
    )


def _t_test(values: Array, away: float) -> float:
    """Twice the one-sided p of a mean that lies `away` on the right side of a bound; else 1."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    if not away > 0:
        return 1.0
    return 2 * t_tail(away / error if error > 0 else math.inf, len(values) - 1)


def interval_of(quantity: Array | Choice) -> Interval:
    """The 95 % interval of a quantity; of a choice, the farthest ends over its options."""
    from_below, from_above = _sides(quantity)
    (shown,) = mean_intervals([_shown(quantity)], SEED, level=1 - ALPHA)
    low = min(one.low for one in mean_intervals(from_below, SEED, level=1 - ALPHA))
    high = max(one.high for one in mean_intervals(from_above, SEED, level=1 - ALPHA))
    return shown if math.isnan(shown.low) else shown._replace(low=low, high=high)


def _sides(quantity: Array | Choice) -> tuple[list[Array], list[Array]]:
    if isinstance(quantity, Choice):
        return quantity.from_below, quantity.from_above
    return [quantity], [quantity]


def _shown(quantity: Array | Choice) -> Array:
    return quantity.at_chosen if isinstance(quantity, Choice) else quantity


def _above_zero(quantity: Array | Choice) -> bool:
    return interval_of(quantity).low > 0


def in_words(claim: Claim) -> str:
    """`above 0`, `below 0.005` or `between 0.9 and 1.1`, with the smallest effect if it has one."""
    low, high = claim.region
    if math.isinf(high):
        text = f"above {number(low)}"
    else:
        text = (
            f"below {number(high)}"
            if math.isinf(low)
            else f"between {number(low)} and {number(high)}"
        )
    return f"{text}, by more than {number(claim.smallest)}" if claim.smallest else text
