"""Power before a run: what a number of seeds can show, and how many a difference needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.power import pilot_spread, smallest_effect, units_needed
from caviar.analysis.tables.families import MARGINS, differences

ASSUMED = 0.01
"""Nats: the spread over seeds of a paired difference in test loss that plans assume without a
pilot; ghost sizes on the digits spread by 0.003 to 0.012."""


@dataclass(frozen=True)
class Spread:
    """Standard deviation over seeds of paired test-loss differences, nats, and its source."""

    nats: float
    source: str


def assumed() -> Spread:
    """The spread that plans assume where nothing is known."""
    return Spread(ASSUMED, f"assumed: {ASSUMED:g} nats")


def of_pilot(run: Run) -> Spread:
    """The median over sizes of an upper bound of the spread over a pilot's seeds.

    The true spread exceeds the bound of a size in one of five pilots, since a pilot of few seeds
    underestimates the spread more often than not. Raises ValueError where the pilot has fewer
    than two paired sizes of two seeds.
    """
    comparison = comparison_of(run)
    if isinstance(comparison, NoComparison) or not comparison.design.paired:
        raise ValueError("the pilot compares no sizes by seed, so it has no paired differences")
    design, told = comparison.design, comparison.told
    rows = comparison.final_readings[told]
    bounds, seeds = [], 0
    for _, arm in rows.groupby("facet"):
        wide = differences(arm, design, "test_loss", told)
        spreads = [pilot_spread(wide[level].to_numpy()) for level in wide]
        bounds += [spread.upper for spread in spreads if spread.upper > 0]
        seeds = max([seeds, *(spread.units for spread in spreads)])
    if not bounds:
        raise ValueError("the pilot has fewer than two seeds, or its seeds do not differ")
    name = run.study["study"]["name"]
    source = f"pilot {name}, {seeds} seeds: at most {np.median(bounds):.2g} nats with 80 %"
    return Spread(float(np.median(bounds)), source)


def power_line(seeds: int, spread: Spread) -> str:
    """One sentence about the power of a plan with this many seeds."""
    margin = MARGINS["test_loss"]
    needed = units_needed(margin, spread.nats)
    opening = f"power (spread over seeds of test-loss differences {spread.source}): "
    if seeds < 2:
        return (
            f"{opening}one seed cannot show a difference; {needed} seeds find {margin:g} nats with "
            "80 % power"
        )
    smallest = smallest_effect(seeds, spread.nats)
    return (
        f"{opening}{seeds} seeds find differences of {smallest:.2g} nats with 80 % power; "
        f"{margin:g} nats takes {needed} seeds"
    )
