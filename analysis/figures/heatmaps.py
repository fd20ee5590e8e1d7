"""Many running averages against size as colour; computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import WHOLE, as_text
from caviar.analysis.figures.tracker_series import trackers
from caviar.analysis.number_format import MINUS

FEW_TRACKERS = 8
"""More running averages than this are a map, not lines."""
FEW_RULES = 4
"""Up to this many rules each has a map of decay against size; above, one map shows all trackers."""

NUMBERED = 300
"""The most cells of a figure whose numbers can still be read on a page."""

Parts = dict[str, pd.DataFrame]
Written = Callable[[Axes, pd.DataFrame, pd.DataFrame], None]


def many(table: pd.DataFrame) -> bool:
    """Whether a table holds too many running averages for lines."""
    return len(table[["rule", "tracker_decay"]].drop_duplicates()) > FEW_TRACKERS


def draw(parts: Parts, label: str, unit: str, *, log: bool) -> Figure:
    """One map per part and rule or, with many rules, one per part; facets stay apart.

    In a figure of up to `NUMBERED` cells the numbers are printed on the colours.
    """
    apart = {
        f"{title}, {facet}" if facet else title: rows
        for title, part in parts.items()
        for facet, rows in part.groupby("facet")
    }
    table = pd.concat(parts.values())
    maps = _all_trackers if table["rule"].nunique() > FEW_RULES else _by_rule
    return maps(apart, label, unit, log, numbered if len(table) <= NUMBERED else _colours_alone)


def _by_rule(parts: Parts, label: str, unit: str, log: bool, written: Written) -> Figure:
    table = pd.concat(parts.values())
    rules = sorted(table.loc[table["tracker_decay"].notna(), "rule"].unique())
    across = len(rules) * max(4.4, 1.2 + 0.5 * table["level"].nunique())  # Room for the numbers.
    figure = Figure(figsize=(across, 3.6 * len(parts)), layout="constrained")
    grid = figure.subplots(len(parts), len(rules), squeeze=False)
    for row, (title, part) in zip(grid, parts.items(), strict=True):
        scale = scale_of(part["mean"], log)
        for axes, rule in zip(row, rules, strict=True):
            rows = part[part["rule"] == rule]
            if rows.empty:
                axes.set_visible(False)
                continue
            rows = rows.assign(half=half_width(rows))
            wide, half = (
                rows.pivot(index="tracker_decay", columns="level", values=name)
                for name in ("mean", "half")
            )
            image = colours_of(axes, wide, scale, label)
            written(axes, wide, half)
            axes.set_yticks(range(wide.shape[0]), [f"{decay:g}" for decay in wide.index])
            axes.set_ylabel("decay")
            axes.set_title(f"{title}: {rule}")
        bar(figure, image, row, unit)
    return figure


def _all_trackers(parts: Parts, label: str, unit: str, log: bool, written: Written) -> Figure:
    names = list(dict.fromkeys(name for part in parts.values() for name, _ in trackers(part)))
    levels = pd.concat(parts.values())["level"].nunique()
    across = len(parts) * max(6.4, 2.8 + 0.58 * levels)  # Room for the numbers.
    figure = Figure(figsize=(across, 1.4 + 0.36 * len(names)), layout="constrained")
    grid = figure.subplots(1, len(parts), squeeze=False, sharey=True)
    for axes, (title, part) in zip(grid[0], parts.items(), strict=True):
        lines = {
            name: rows.assign(half=half_width(rows)).set_index("level")
            for name, rows in trackers(part)
        }
        wide, half = (
            pd.DataFrame({name: rows[value] for name, rows in lines.items()}).T.reindex(names[::-1])
            for value in ("mean", "half")
        )
        image = colours_of(axes, wide, scale_of(part["mean"], log), label)
        written(axes, wide, half)
        axes.set_yticks(range(len(names)), names[::-1])
        axes.set_title(title)
        bar(figure, image, [axes], unit)
    return figure


def colours_of(axes: Axes, wide: pd.DataFrame, scale: dict[str, Any], label: str) -> Any:
    """A frame as colours, its columns as ticks; returns the image."""
    image = axes.imshow(wide, origin="lower", aspect="auto", **scale)
    axes.set_xticks(range(wide.shape[1]), [f"{level:g}" for level in wide.columns])
    axes.grid(False)
    axes.set_xlabel(label)
    return image


def numbered(
    axes: Axes, wide: pd.DataFrame, half: pd.DataFrame, bold: pd.DataFrame | None = None
) -> None:
    """Each number on its cell, some bold, and beneath it half the width of its interval."""
    for y, row in enumerate(wide.to_numpy()):
        for x, value in enumerate(row):
            weight = "bold" if bold is not None and bold.iat[y, x] else "normal"
            words = _short(value)
            if np.isfinite(value) and np.isfinite(half.iat[y, x]):
                words += f"\n±{_digits(half.iat[y, x], 1)}"
            text = axes.text(x, y, words, ha="center", va="center", fontsize=7, linespacing=0.95)
            text.set_fontweight(weight)
            text.set_bbox({"facecolor": "white", "alpha": 0.6, "pad": 0.8, "edgecolor": "none"})
            text.set_in_layout(False)  # Cells lie inside the axes: their places move no margin.


def _colours_alone(axes: Axes, wide: pd.DataFrame, half: pd.DataFrame) -> None:
    """Print no numbers: they are in the table."""


def bar(
    figure: Figure, image: Any, beside: Sequence[Axes], unit: str, extend: str = "neither"
) -> None:
    """The colour bar of a map, beside the axes that share it."""
    figure.set_gid(WHOLE)
    colours = figure.colorbar(image, ax=list(beside), label=unit, extend=extend)
    as_text(colours.ax.yaxis)


def half_width(rows: pd.DataFrame) -> pd.Series:
    """Half the width of every row's interval."""
    return (rows["high"] - rows["low"]) / 2


def _short(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return _digits(value, 2) if abs(value) >= 1e-4 or value == 0 else "≈ 0"


def _digits(value: float, digits: int) -> str:
    """140 and 0.0078, not 1.4e+02."""
    return f"{float(f'{value:.{digits}g}'):g}".replace("-", MINUS)


def scale_of(values: pd.Series, log: bool) -> dict[str, Any]:
    """The colour scale of finite values: logarithmic, or symmetric about zero."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    if log and len(positive) and positive.min() < positive.max():
        norm = matplotlib.colors.LogNorm(positive.min(), positive.max())
        return {"cmap": "viridis", "norm": norm}
    widest = float(finite.abs().max()) if len(finite) else 0.0
    if log or not widest:
        return {"cmap": "viridis", "vmin": 0.0, "vmax": widest or 1.0}
    return {"cmap": "RdBu_r", "norm": matplotlib.colors.SymLogNorm(1e-3, vmin=-widest, vmax=widest)}
