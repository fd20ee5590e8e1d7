"""Figures of fit, test loss and accuracy against size; they compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import (
    facets_of,
    grid_of,
    legend_below,
    line,
    log_axis,
    size_axis,
)
from caviar.analysis.figures.palette import GREY, meaning, of_draw
from caviar.analysis.number_format import literal

BOLD = 3.0
"""The width of the line of the tuned draw."""
WIDE = 10.0


class Line(NamedTuple):
    """The rows of one draw, what its line is called, and whether it is the tuned one."""

    rows: pd.DataFrame
    name: str
    tuned: bool


MOST_LINES = 8
"""Of more draws than this only the tuned one is drawn with intervals and in colour."""

LOSSES = {
    "train_mode_loss": "train-mode loss",
    "train_loss": "train loss, population statistics",
    "test_loss": "test loss, population statistics",
}
COLOURS = {"train_mode_loss": "batch", "train_loss": "train loss", "test_loss": "test loss"}


def side_by_side(table: pd.DataFrame, label: str, read: str) -> Figure:
    """Train-mode, train and test loss on one axis, one panel per facet; the gap is shaded.

    `read` says at which draws, in words.
    """
    facets = facets_of(table)
    figure, grid = grid_of(min(2, len(facets)), rows=(len(facets) + 1) // 2, sharey=True)
    for axes, facet in zip(grid.flat, facets, strict=False):
        of_facet = table[table["facet"] == facet]
        for i, (quantity, name) in enumerate(LOSSES.items()):
            rows = of_facet[of_facet["quantity"] == quantity]
            if rows["mean"].notna().any():
                line(axes, rows, i, name, meaning(COLOURS[quantity]))
        _shade_gap(axes, of_facet)
        axes.set_ylim(bottom=0)  # Linear: on a logarithm equal gaps would not look equal.
        size_axis(axes, of_facet["level"], label)
        axes.set(title=literal(", ".join(filter(None, (facet, read)))), ylabel="nats")
    figure.set_figwidth(max(6.4, figure.get_figwidth()))
    legend_below(figure, grid[0, 0])
    return figure


def _shade_gap(axes: Axes, rows: pd.DataFrame) -> None:
    wide = rows.pivot_table(index="level", columns="quantity", values="mean")
    if {"train_loss", "test_loss"} <= set(wide):
        ends = (wide.index, wide["train_loss"], wide["test_loss"])
        axes.fill_between(*ends, color=meaning("test loss"), alpha=0.12, linewidth=0, label="gap")


def losses_by_draw(lines: Sequence[Line], label: str) -> Figure:
    """Test loss and accuracy against size, one row of panels per facet, one line per draw.

    The tuned draw is bold; with more draws than colours the others are grey.
    """
    facets = facets_of(pd.concat([one.rows for one in lines]))
    figure, grid = grid_of(2, rows=len(facets))
    for across, facet in zip(grid, facets, strict=True):
        for axes, quantity, words in zip(
            across,
            ("test_loss", "test_accuracy"),
            ("test loss (nats)", "test accuracy (%)"),
            strict=True,
        ):
            for i, one in enumerate(lines):
                rows = one.rows[one.rows["facet"] == facet]
                rows = rows[rows["quantity"] == quantity].assign(facet="")
                if quantity == "test_accuracy":
                    rows = rows.assign(**{n: 100 * rows[n] for n in ("mean", "low", "high")})
                _draw_line(axes, rows, one, i, len(lines))
            size_axis(axes, pd.concat([one.rows["level"] for one in lines]), label)
            axes.set(title=literal(str(facet)), ylabel=words)
        _wide_axis(across[0], pd.concat([one.rows for one in lines]))
    if any(one.name for one in lines):
        legend_below(figure, grid[0, 0])
    return figure


def _wide_axis(axes: Axes, rows: pd.DataFrame) -> None:
    """A logarithmic axis of test loss where the largest is ten times the smallest, or more."""
    means = rows.loc[rows["quantity"] == "test_loss", "mean"]
    if means.max() >= WIDE * means.min():
        log_axis(axes, rows)


def _draw_line(axes: Axes, rows: pd.DataFrame, one: Line, index: int, count: int) -> None:
    rows, colour = rows.sort_values("level"), of_draw(index, count)
    if count <= MOST_LINES or one.tuned:
        line(axes, rows, index, one.name, colour)
        if one.tuned:
            axes.plot(rows["level"], rows["mean"], color=colour, linewidth=BOLD, zorder=3)
    else:
        axes.plot(rows["level"], rows["mean"], color=GREY.light, linewidth=0.8)
