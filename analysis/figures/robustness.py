"""Figures of choices that could have been made otherwise: draws and specifications."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from caviar.analysis.figures.axes import (
    MARKERS,
    WHOLE,
    facets_of,
    grid_of,
    legend_below,
    signed_axis,
)
from caviar.analysis.figures.palette import SOFT as SOFT_LINE
from caviar.analysis.figures.palette import ink, meaning, of_size
from caviar.analysis.number_format import literal
from caviar.analysis.tables.specification_curve import BEST, SMALLEST, below_zero, choices
from caviar.analysis.tables.tuning import fields_of

SOFT = SOFT_LINE.light
WIDE = 5.0
"""An axis is logarithmic from this ratio of the highest to the lowest value drawn on."""


def tuning(table: pd.DataFrame, symbol: str) -> Figure:
    """Test loss against each drawn field: one row per facet, one colour per level, best starred.

    Points are joined only where a single field was drawn; those of one draw are placed next to
    each other.
    """
    rows = table[table["quantity"] == "test_loss"]
    fields, facets = fields_of(table), facets_of(rows)
    levels = sorted(rows["level"].unique())
    figure, grid = grid_of(len(fields), rows=len(facets), sharex=False, sharey=True)
    figure.set_figwidth(max(6.4, 4.6 * len(fields)))
    for across, facet in zip(grid, facets, strict=True):
        of_facet = rows[rows["facet"] == facet]
        for axes, field in zip(across, fields, strict=True):
            _scale(axes, "x", rows[field])
            for i, level in enumerate(levels):
                part = of_facet[of_facet["level"] == level]
                part = part.assign(x=_apart(part[field], rows[field], i - (len(levels) - 1) / 2))
                joined = "-" if len(fields) == 1 else "none"
                mark = of_size(level), MARKERS[i % len(MARKERS)]
                _bars(axes, part, mark, f"{symbol} = {level:g}", joined)
                _stars(axes, part[part["best"]], field, mark[0])
            axes.set(xlabel=field, title=literal(str(facet)))
        across[0].set_ylabel("test loss (nats)")
    _scale(grid[0, 0], "y", rows["mean"])
    _legend_of_stars(figure, grid[0, 0], starred=bool(table["best"].any()))
    return figure


def _is_wide(values: pd.Series) -> bool:
    return bool(values.min() > 0 and values.max() >= WIDE * values.min())


def _scale(axes: Axes, which: str, values: pd.Series) -> None:
    """A logarithmic axis for values that differ widely, with plain numbers at 1, 2 and 5."""
    if not _is_wide(values):
        return
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log"})
    if which == "y":
        # A bar that reaches zero is drawn to the edge, not left out.
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=values.min() / 2)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _apart(values: pd.Series, every: pd.Series, steps: float) -> pd.Series:
    """`values` moved by `steps` hundredths of the axis."""
    if _is_wide(every):
        return values * (every.max() / every.min()) ** (steps / 100)
    return values + (every.max() - every.min()) * steps / 100


def _legend_of_stars(figure: Figure, axes: Axes, *, starred: bool) -> None:
    handles, names = axes.get_legend_handles_labels()
    for face, words in ((SOFT, "best draw"), ("white", "best draw, at the edge")):
        if starred:
            handles.append(Line2D([], [], **_star(face, SOFT)))
            names.append(words)
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 3))


def _stars(axes: Axes, best: pd.DataFrame, field: str, colour: str) -> None:
    """The best draws of a level: filled, or hollow where the field was not drawn beyond."""
    for row in best.to_dict("records"):
        at_edge = field in str(row["at_edge"]).split(", ")
        axes.plot([row["x"]], [row["mean"]], **_star("white" if at_edge else colour, colour))


def _star(face: str, colour: str) -> Any:
    return {
        "marker": "*",
        "markersize": 13,
        "linestyle": "none",
        "markerfacecolor": face,
        "markeredgecolor": "#000000" if face == colour else colour,
        "zorder": 5,
        "clip_on": False,
    }


def specifications(table: pd.DataFrame) -> Figure:
    """Effects in their order with intervals, and below each what makes its specification."""
    kinds = [kind for kind in (SMALLEST, BEST) if (table["compared"] == kind).any()]
    made_of = choices(table)
    low = 0.5 + 0.19 * len(made_of)
    figure = Figure(figsize=(3.0 + 4.4 * len(kinds), 3.6 + low), layout="constrained")
    figure.set_gid(WHOLE)
    grid = figure.subplots(
        2, len(kinds), squeeze=False, sharex="col", sharey="row", height_ratios=[3.0, low]
    )
    for column, kind in zip(grid.T, kinds, strict=True):
        kept = table["compared"] == kind
        rows = table[kept].assign(x=range(1, kept.sum() + 1))
        _curve(column[0], rows, table)
        column[0].set_title(f"{kind} less the largest:\n{below_zero(table, kind)}", fontsize=9)
        size = min(max(150 / len(rows), 1.5), 5)
        for i, (_, has) in enumerate(made_of):
            marked = rows["x"][has[kept]]
            column[1].plot(marked, [i] * len(marked), "s", color=ink(0), markersize=size)
        column[1].set(xlabel="specification, by effect", ylim=(len(made_of) - 0.4, -0.6))
        column[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[0, 0].set_ylabel("test loss difference (nats)")
    grid[1, 0].set_yticks(range(len(made_of)), [literal(name) for name, _ in made_of])
    legend_below(figure, grid[0, 0])
    return figure


VERDICTS = (
    ("significantly below zero", (meaning("below"), MARKERS[0])),
    ("not significant", (ink(0), MARKERS[2])),
    ("significantly above zero", (meaning("above"), MARKERS[1])),
)


def _curve(axes: Axes, rows: pd.DataFrame, table: pd.DataFrame) -> None:
    """One colour and marker per verdict, on an axis that fits the whole table."""
    signed_axis(axes, table)
    below, above = rows["high"] < 0, rows["low"] > 0
    for kept, (name, mark) in zip((below, ~below & ~above, above), VERDICTS, strict=True):
        _bars(axes, rows[kept], mark, name, "none")


def _bars(axes: Axes, rows: pd.DataFrame, mark: tuple[str, str], name: str, joined: str) -> None:
    """Means at `x` with their intervals, in a colour and with a marker."""
    rows = rows.sort_values("x")
    low = (rows["mean"] - rows["low"]).fillna(0).clip(lower=0)
    high = (rows["high"] - rows["mean"]).fillna(0).clip(lower=0)
    axes.errorbar(
        rows["x"],
        rows["mean"],
        yerr=np.stack([low, high]),
        color=mark[0],
        marker=mark[1],
        markersize=4.5,
        capsize=2.5,
        linewidth=1.4,
        linestyle=joined,
        label=literal(name),
    )
