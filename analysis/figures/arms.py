"""What every control arm changes: a row per arm, a mark per size."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import MARKERS, TALL, around_mean, as_text, grid_of, seeds_of
from caviar.analysis.figures.palette import of_size
from caviar.analysis.number_format import literal

LINEAR_BELOW = 0.01
"""Nats up to which the axis is linear: twice the smallest effect that matters."""

ROW = 0.75
"""The share of a row in which its sizes stand one below the other."""


def arm_effects(table: pd.DataFrame, symbol: str) -> Figure:
    """Train and test loss of every arm less those under population statistics, with intervals.

    Without an arm `population` the reference is the first arm. An arm with one size has one mark.
    """
    against = "population" if (table["against"] == "population").any() else table["against"].iloc[0]
    kept = table[table["against"] == against]
    arms = list(dict.fromkeys(kept["arm"]))
    levels = sorted(kept["level"].unique())
    figure, grid = grid_of(2, sharex=False)
    figure.set_gid(TALL)
    figure.set_size_inches(9.2, 1.0 + 0.21 * max(len(arms), 8))
    for axes, quantity, words in zip(
        grid[0], ("test_loss", "train_loss"), ("test loss", "train loss"), strict=True
    ):
        part = kept[(kept["quantity"] == quantity) & np.isfinite(kept["mean"])]
        part = part.assign(height=_heights(part, arms))
        _rows(axes, arms)
        for index, level in enumerate(levels):
            _marks(axes, part[part["level"] == level], index, f"{symbol} = {level:g}")
        axes.margins(x=0.06)
        axes.set_title(f"{words} less that of {literal(against)}")
    grid[0, 0].set_xlabel("nats; below 0 is better")
    grid[0, 1].set_xlabel("nats")
    return figure


def _heights(part: pd.DataFrame, arms: list[str]) -> pd.Series:
    """Where a mark stands: the sizes of an arm share its row from top to bottom."""
    rank = part.groupby("arm")["level"].rank()
    sizes = part.groupby("arm")["level"].transform("count")
    return part["arm"].map(arms.index) + ROW * ((rank - 0.5) / sizes - 0.5)


def _marks(axes: Axes, rows: pd.DataFrame, index: int, name: str) -> None:
    """One size: its mark in the row of every arm, with the interval."""
    if rows.empty:
        return
    drawn = axes.errorbar(
        rows["mean"],
        rows["height"],
        xerr=around_mean(rows),
        color=of_size(rows["level"].iloc[0]),
        marker=MARKERS[index % len(MARKERS)],
        markersize=3.5,
        linewidth=1.2,
        linestyle="none",
        label=name,
    )
    drawn.lines[0].set_gid(seeds_of(rows))


def _rows(axes: Axes, arms: list[str]) -> None:
    """A line and a name per arm, the first on top, on an axis of both signs."""
    axes.set_yticks(range(len(arms)), [literal(arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.axvline(0, color="#777777", linewidth=1)
    axes.set_xscale("symlog", linthresh=LINEAR_BELOW)
    as_text(axes.xaxis)
    axes.tick_params(axis="x", labelsize=9)
