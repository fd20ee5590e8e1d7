"""The scorecard of the literature: what a run says of each claim that it has the data for."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.scorecard.claim import Claim, Parts
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.seedwise import Seedwise, seedwise
from caviar.analysis.statistics.intervals import Array, Interval, mean_interval
from caviar.analysis.tables.estimates import SEED

ALPHA = 0.05

Outcome = Literal["confirmed", "refuted", "inconclusive"]


class Verdict(NamedTuple):
    """What a run says of a claim: its outcome, and the number that decided it, with interval.

    `place` is the size or place, of the `places` tested, with the strongest evidence against the
    claim; `level` is that of the interval. `left_out` counts seeds whose measurement there is
    missing or diverged.
    """

    verdict: Outcome
    effect: float
    low: float
    high: float
    level: float
    place: str
    places: int
    seeds: int
    left_out: int


def scorecard(comparison: Comparison) -> pd.DataFrame:
    """One row per claim that the run has the data for, with its verdict.

    Losses are those of each arm at its best draw, where it had a choice; all else is a mean over
    draws. Empty where seeds are not paired, other fields are crossed, or the first arm is not
    batch norm.
    """
    measured = seedwise(comparison)
    if measured is None:
        return pd.DataFrame()
    verdicts = ((claim, verdict_on(claim, measured)) for claim in CLAIMS)
    rows = [_row(claim, decided) for claim, decided in verdicts if decided]
    return pd.DataFrame(rows).rename(columns={"place": "at"})


def verdict_on(claim: Claim, measured: Seedwise) -> Verdict | None:
    """What a run says of one claim; None where it lacks the data."""
    parts = claim.measure(measured)
    return None if parts is None else verdict(claim, parts, claim.premise(measured))


def _row(claim: Claim, decided: Verdict) -> dict[str, Any]:
    return {
        "paper": claim.source,
        "claim": claim.text,
        "known": claim.known,
        **decided._asdict(),
        "unit": claim.unit,
        "sentence": sentence(claim, decided),
        "not_tested": claim.not_tested,
    }


def sentence(claim: Claim, decided: Verdict) -> str:
    """What was measured, what the claim requires, and the value that decided."""
    asked = f"{claim.quantity}: must be {in_words(claim.region)} ({claim.unit})"
    if not decided.places:
        return f"{asked}; not decided: batch norm has no significant gain or loss to explain here"
    sized = decided.place.startswith(("m =", "B ="))
    where = f"at {decided.place}" if sized else f"({decided.place})"
    is_at = f"{asked}; {where} it is {decided.effect:.3g}"
    if math.isnan(decided.low):
        return f"{is_at}, too few seeds for an interval"
    return f"{is_at} [{decided.low:.3g}, {decided.high:.3g}]"


def in_words(region: tuple[float, float]) -> str:
    """`above 0`, `below 0.005` or `between 0.9 and 1.1`."""
    low, high = region
    if math.isinf(high):
        return f"above {low:g}"
    return f"below {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def verdict(claim: Claim, parts: Parts, premises: Parts) -> Verdict:
    """Decide a claim from the quantity at every place, `(seeds,)` each.

    Confirmed where the interval lies inside the claim's region at *every* place: an
    intersection-union test, which needs no correction. The level of the interval is 95 %, or 90 %
    where the region has two ends: two one-sided tests of 5 % (Schuirmann 1987). Refuted where
    it lies outside at *any* place, by intervals widened for their number (Bonferroni). A place
    whose premise is not significantly above zero is ignored; with none left nothing is decided.
    """
    low, high = claim.region
    level = 1 - (2 * ALPHA if math.isfinite(low) and math.isfinite(high) else ALPHA)
    tested = {p: v for p, v in parts.items() if p not in premises or _above_zero(premises[p])}
    shown = {place: _interval(values, level) for place, values in (tested or parts).items()}
    wide = {place: _interval(v, 1 - ALPHA / len(tested)) for place, v in tested.items()}
    against = [p for p, i in wide.items() if i.high <= low or i.low >= high]
    outcome: Outcome = "inconclusive"
    if against:
        outcome = "refuted"
    elif tested and all(low < i.low and i.high < high for i in shown.values()):
        outcome = "confirmed"
    place = min(against or shown, key=lambda p: _slack(shown[p].mean, claim.region))
    mean, low, high, seeds = shown[place]
    left_out = len(parts[place]) - seeds
    return Verdict(outcome, mean, low, high, level, place, len(tested), seeds, left_out)


def _slack(mean: float, region: tuple[float, float]) -> float:
    """How far inside a region a mean lies; minus infinity for a missing one."""
    return min(mean - region[0], region[1] - mean) if math.isfinite(mean) else -math.inf


def _above_zero(values: Array) -> bool:
    return _interval(values, 1 - ALPHA).low > 0


def _interval(values: Array, level: float) -> Interval:
    return mean_interval(values, np.random.default_rng(SEED), level=level)
