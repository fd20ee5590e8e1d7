"""Lines, axes and legends that all figures share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogFormatterSciNotation

from caviar.analysis.figures.palette import ink
from caviar.analysis.number_format import literal

MARKERS = "osD^vPX"
DASHES: Any = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "svg.hashsalt": "caviar",
    "svg.fonttype": "none",
    "figure.dpi": 110,
}


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
POWER = re.compile(r"\^\{([-\d]+)\}")


class Powers(LogFormatterSciNotation):
    """Powers as characters, 10⁻³: matplotlib would parse each as a formula in every drawing."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        text = super().__call__(x, pos).strip("$").removeprefix(r"\mathdefault{").removesuffix("}")
        text = POWER.sub(lambda power: power[1].translate(SUPERSCRIPTS), text)
        return text.replace(r"\times", "×").replace("-", "\N{MINUS SIGN}")


def style() -> Any:
    """The context in which figures are drawn and saved: matplotlib's own defaults and `STYLE`,
    whatever a matplotlibrc says."""
    now: Any = matplotlib.rcParams
    settings: Any = {  # Those in force alone: to check and set all of them takes milliseconds.
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if name != "backend" and now[name] != value
    }
    return matplotlib.rc_context({**settings, **STYLE})


def grid_of(
    columns: int, *, rows: int = 1, sharex: bool = True, sharey: bool = False
) -> tuple[Figure, Any]:
    """A figure with a grid of axes."""
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)


BESIDE = 2**0.25
"""The room beside the smallest and the largest size: a quarter of a doubling."""


def size_axis(axes: Axes, levels: Any, label: str) -> None:
    """Sizes on a binary logarithm, each with its tick."""
    levels = sorted(set(levels))
    axes.set_xscale("log", base=2)
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.minorticks_off()
    if len(levels) > 1:  # A lone mark at the first or last of them would hide in the frame.
        axes.set_xlim(levels[0] / BESIDE, levels[-1] * BESIDE)
    axes.set_xlabel(label)


WHOLE = "whole"
"""The id of a figure that makes no sense in parts: maps, and panels that share an axis."""

TALL = "tall"
"""The id of a figure whose panels keep their own height: rows with a name each."""

SEEDS = "seeds:"
"""What the id of a line begins with that names the seeds behind each of its points."""


def line(axes: Axes, rows: pd.DataFrame, index: int, name: str, colour: str = "") -> None:
    """Means with their intervals; marker and dashes tell lines apart by `index`.

    `colour` is one of the palette's, by default an ink of that index.
    """
    rows = rows.sort_values("level")
    drawn = axes.errorbar(
        rows["level"],
        rows["mean"],
        yerr=around_mean(rows),
        color=colour or ink(index),
        marker=MARKERS[index % len(MARKERS)],
        markersize=4.5,
        capsize=2.5,
        linewidth=1.4,
        linestyle=DASHES[index // len(MARKERS) % len(DASHES)],
        label=literal(name) or None,
    )
    if "units" in rows:
        drawn.lines[0].set_gid(seeds_of(rows))


def around_mean(rows: pd.DataFrame) -> Any:
    """How far each interval reaches below and above its mean, `(2, rows)`; 0 without one."""
    low = (rows["mean"] - rows["low"]).fillna(0).clip(lower=0)
    high = (rows["high"] - rows["mean"]).fillna(0).clip(lower=0)
    return np.stack([low, high])


def seeds_of(rows: pd.DataFrame) -> str:
    """The id of a line: the seeds behind each of its points."""
    return SEEDS + " ".join(f"{units:.0f}" for units in rows["units"])


def line_per_facet(
    axes: Axes,
    rows: pd.DataFrame,
    index: int,
    name: str,
    facets: Sequence[str],
    colour: str = "",
) -> None:
    """One line per facet, all in one colour, each with other dashes."""
    for i, facet in enumerate(facets):
        of_facet = rows[rows["facet"] == facet]
        if len(of_facet):
            words = ", ".join(word for word in (name, facet) if word)
            line(axes, of_facet, index + len(MARKERS) * i, words, colour)


def facets_of(table: pd.DataFrame) -> list[str]:
    """The facets of a table, in one order for all its panels."""
    return sorted(table["facet"].unique())


def band(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """The band that holds for the whole line, where there is one."""
    rows = rows.sort_values("level")
    if len(rows) and "band_low" in rows and np.isfinite(rows["band_low"]).all():
        ends = (rows["level"], rows["band_low"], rows["band_high"])
        axes.fill_between(*ends, color=colour, alpha=0.15, linewidth=0)


def series(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """One line per reading and facet, named by what differs."""
    keys = [k for k in ("facet", "reading") if table[k].nunique() > 1]
    if not keys:
        return [("", table)]
    return [(", ".join(str(k) for k in key if k), rows) for key, rows in table.groupby(keys)]


def log_axis(axes: Axes, table: pd.DataFrame) -> None:
    """A logarithmic y axis, if any mean is above zero."""
    if (table["mean"] > 0).any():
        powers(axes)


def signed_axis(axes: Axes, table: pd.DataFrame) -> None:
    """A logarithmic y axis on both sides of zero and linear near it: negative values are shown."""
    finite = table["mean"].abs()[np.isfinite(table["mean"])]
    widest = max(float(finite.max()) if len(finite) else 0.0, 1e-4)
    axes.axhline(0, color="#777777", linewidth=1)
    # A power of ten, so that no tick falls between it and zero.
    powers(axes, linear_below=10.0 ** np.ceil(np.log10(widest / 100)))


def powers(axes: Axes, linear_below: float | None = None) -> None:
    """A logarithmic y axis whose ticks are plain text; with `linear_below` one of both signs."""
    if linear_below is None:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_yscale("symlog", linthresh=linear_below)
    as_text(axes.yaxis)


def powers_both_ways(axes: Axes) -> None:
    """Both axes logarithmic, with ticks of plain text."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        as_text(axis)


def as_text(axis: Axis) -> None:
    """Plain text at the ticks of a logarithmic axis or colour bar."""
    if isinstance(axis.get_major_formatter(), LogFormatter):
        axis.set_major_formatter(Powers())
    if isinstance(axis.get_minor_formatter(), LogFormatter):
        axis.set_minor_formatter(Powers(labelOnlyBase=False))


def legend(axes: Axes) -> None:
    """A legend where lines have names; a single line without one needs none."""
    if any(axes.get_legend_handles_labels()[1]):
        axes.legend()


def legend_below(figure: Figure, *panels: Axes) -> None:
    """One legend for all axes, under them, of what is named in these panels."""
    named = [
        pair for axes in panels for pair in zip(*axes.get_legend_handles_labels(), strict=True)
    ]
    handles, names = [handle for handle, _ in named], [name for _, name in named]
    columns = min(4, max(2, int(figure.get_figwidth() // 2.2)))
    figure.legend(handles, names, loc="outside lower center", ncols=min(columns, len(names)))
