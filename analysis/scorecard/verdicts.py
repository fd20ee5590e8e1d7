"""The scorecard of the literature: what a run says of each claim that it has the data for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.read import Run
from caviar.analysis.scorecard import measures_of_arms as arms
from caviar.analysis.scorecard import measures_of_averages as averages
from caviar.analysis.scorecard import measures_of_noise as noise
from caviar.analysis.scorecard import measures_of_size as size
from caviar.analysis.scorecard.hypotheses import HYPOTHESES
from caviar.analysis.scorecard.literature import CLAIMS, Claim
from caviar.analysis.scorecard.measures_of_size import Parts
from caviar.analysis.scorecard.seedwise import Seedwise, seedwise
from caviar.analysis.statistics.intervals import Array, Interval, mean_interval
from caviar.analysis.tables.comparisons import SEED

ALPHA = 0.05

MEASURES: dict[str, Callable[[Seedwise], Parts | None]] = {
    "noise-regularises": size.noise_regularises,
    "u-shaped": size.u_shaped,
    "ghosts-help-medium": size.ghosts_help_medium,
    "small-underfits": size.small_underfits,
    "small-batch-best": size.small_batch_best,
    "large-batch-harmless": size.large_batch_harmless,
    "small-batch-at-equal-steps": size.small_batch_at_equal_steps,
    "layer-norm-crosses": arms.layer_norm_crosses,
    "renorm-closes-gap": arms.renorm_closes_gap,
    "sorted-ghosts-hurt": arms.sorted_ghosts_hurt,
    "leave-one-out-helps": arms.leave_one_out_helps,
    "injected-noise-as-good": arms.injected_noise_as_good,
    "injected-noise-optimum": arms.injected_noise_optimum,
    "gamma-decay-closes-gap": arms.gamma_decay_closes_gap,
    "dropout-strength": arms.dropout_strength,
    "better-than-dropout": arms.better_than_dropout,
    "evalnorm-helps": averages.evalnorm_helps,
    "precise-while-moving": averages.precise_while_moving,
    "precise-equal-at-end": averages.precise_equal_at_end,
    "shuffling-helps": averages.shuffling_helps,
    "staleness-stays": averages.staleness_stays,
    "bessel-first-layer": averages.bessel_first_layer,
    "bessel-deeper": averages.bessel_deeper,
    "penalty-exponent": noise.penalty_exponent,
    "self-influence-share": noise.self_influence_share,
    "self-influence-predicted": noise.self_influence_predicted,
    "adaptation": noise.adaptation,
    "partition-share-falls": noise.partition_share_falls,
    "partition-share-at-16": noise.partition_share_at_16,
}
"""By the key of a claim, what makes its numbers, or None where the run lacks the data."""

PREMISES: dict[str, Callable[[Seedwise], Parts]] = {
    "renorm-closes-gap": arms.renorm_premises,
    "gamma-decay-closes-gap": arms.gamma_premises,
}
"""What must surely be above zero before a claim means anything at a size."""

Outcome = Literal["confirmed", "refuted", "inconclusive"]


class Verdict(NamedTuple):
    """What a run says of a claim: its outcome, and the number that decided it, with interval.

    `at` is the size or place that spoke loudest against the claim, of `places` looked at;
    `level` the interval's. `left_out` counts seeds with a missing or diverged measurement there.
    """

    verdict: Outcome
    effect: float
    low: float
    high: float
    level: float
    at: str
    places: int
    seeds: int
    left_out: int


def scorecard(run: Run, design: Design) -> pd.DataFrame:
    """One row a claim that the run has the data for, with its verdict.

    Losses are those of each arm at its best draw, where it had a choice; all else is a mean over
    draws. `run` is the whole run, `design` that of its first arm. Empty where seeds are not
    paired, other fields are crossed, or the first arm is not batch norm.
    """
    measured = seedwise(run, design)
    rows: list[dict[str, Any]] = []
    for claim in (*CLAIMS, *HYPOTHESES) if measured is not None else ():
        assert measured is not None
        found = verdict_on(claim, measured)
        if found is not None:
            rows.append(_row(claim, found))
    return pd.DataFrame(rows)


def verdict_on(claim: Claim, measured: Seedwise) -> Verdict | None:
    """What a run says of one claim; None where it lacks the data."""
    parts = MEASURES[claim.key](measured)
    if parts is None:
        return None
    return verdict(claim, parts, PREMISES.get(claim.key, _no_premise)(measured))


def _row(claim: Claim, found: Verdict) -> dict[str, Any]:
    return {
        "paper": claim.paper,
        "claim": claim.says,
        "known": claim.tag,
        **found._asdict(),
        "unit": claim.unit,
        "sentence": sentence(claim, found),
        "not_tested": claim.not_tested,
    }


def sentence(claim: Claim, found: Verdict) -> str:
    """What was measured, what it had to be, and what it was where it spoke loudest against."""
    asked = f"{claim.quantity}: must be {in_words(claim.region)} ({claim.unit})"
    if not found.places:
        return f"{asked}; nothing to decide, there is no sure gain or loss of batch norm to explain"
    where = f"at {found.at}" if found.at.startswith(("m =", "B =")) else f"({found.at})"
    is_at = f"{asked}; {where} it is {found.effect:.3g}"
    if math.isnan(found.low):
        return f"{is_at}, too few seeds for an interval"
    return f"{is_at} [{found.low:.3g}, {found.high:.3g}]"


def in_words(region: tuple[float, float]) -> str:
    """`above 0`, `below 0.005` or `between 0.9 and 1.1`."""
    low, high = region
    if math.isinf(high):
        return f"above {low:g}"
    return f"below {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def verdict(claim: Claim, parts: Parts, premises: Parts) -> Verdict:
    """Decide a claim from the quantity at every place, `(seeds,)` each.

    Confirmed where the interval lies inside the claim's region at *every* place: an
    intersection-union test, which needs no correction. The interval is of 95 %, or of 90 %
    where the region has two ends: two one-sided tests of 5 % (Schuirmann 1987). Refuted where
    it lies outside at *any* place, by intervals widened for their number (Bonferroni). A place
    whose premise is not surely above zero says nothing; with none left nothing is decided.
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
    found = shown[place]
    left_out = len(parts[place]) - found.units
    values = (found.mean, found.low, found.high, level)
    return Verdict(outcome, *values, place, len(tested), found.units, left_out)


def _no_premise(measured: Seedwise) -> Parts:
    return {}


def _slack(mean: float, region: tuple[float, float]) -> float:
    """How far inside a region a mean lies; a missing one is outside of all."""
    return min(mean - region[0], region[1] - mean) if math.isfinite(mean) else -math.inf


def _above_zero(values: Array) -> bool:
    return _interval(values, 1 - ALPHA).low > 0


def _interval(values: Array, level: float) -> Interval:
    return mean_interval(values, np.random.default_rng(SEED), level=level)
