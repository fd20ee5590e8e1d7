"""Power before a run: what so many seeds can show, and how many a difference takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.power import pilot_spread, smallest_effect, units_needed
from caviar.analysis.tables.families import MARGINS, differences

ASSUMED = 0.01
"""Nats: the spread over seeds of a paired difference in test loss that is planned with where no
pilot is given; ghost sizes on the digits spread by 0.003 to 0.012."""


@dataclass(frozen=True)
class Spread:
    """Standard deviation over seeds of paired test-loss differences, nats, and where it is from."""

    nats: float
    source: str


def assumed() -> Spread:
    """The spread that is planned with where nothing is known."""
    return Spread(ASSUMED, f"assumed: {ASSUMED:g} nats")


def of_pilot(run: Run) -> Spread:
    """The median over sizes of the spread that a pilot's seeds leave room for.

    For each size the bound that the true spread exceeds in one of five pilots, since a pilot of
    few seeds finds too small a spread more often than not. Raises ValueError where the pilot
    has no two paired sizes of two seeds.
    """
    comparison = comparison_of(run)
    if isinstance(comparison, NoComparison) or not comparison.design.paired:
        raise ValueError("the pilot compares no sizes by seed, so it has no paired differences")
    design, rows = comparison.design, comparison.final_readings[EVERY_DRAW]
    bounds, seeds = [], 0
    for _, arm in rows.groupby("facet"):
        wide = differences(arm, design, "test_loss", EVERY_DRAW)
        found = [pilot_spread(wide[level].to_numpy()) for level in wide]
        bounds += [spread.upper for spread in found if spread.upper > 0]
        seeds = max([seeds, *(spread.units for spread in found)])
    if not bounds:
        raise ValueError("the pilot has fewer than two seeds, or none that differ")
    name = run.study["study"]["name"]
    source = f"pilot {name}, {seeds} seeds: at most {np.median(bounds):.2g} nats with 80 %"
    return Spread(float(np.median(bounds)), source)


def power_line(seeds: int, spread: Spread) -> str:
    """One sentence for a plan of so many seeds."""
    margin = MARGINS["test_loss"]
    needed = units_needed(margin, spread.nats)
    opening = f"power (spread over seeds of test-loss differences {spread.source}): "
    if seeds < 2:
        return f"{opening}one seed shows no difference; {needed} find {margin:g} nats with 80 %"
    found = smallest_effect(seeds, spread.nats)
    return (
        f"{opening}{seeds} seeds find differences of {found:.2g} nats with 80 % power; "
        f"{margin:g} nats takes {needed} seeds"
    )
