"""Figures of a training that was edited: its losses with the edits marked, and their effects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from caviar.analysis.figures.axes import (
    TALL,
    around_mean,
    grid_of,
    legend,
    powers,
    seeds_of,
)
from caviar.analysis.figures.palette import GREY, ink, meaning, of_draw
from caviar.analysis.interventions.effects import AT_END, EPOCH_AFTER
from caviar.analysis.interventions.tree import TWIN, Edit, Tree, in_short
from caviar.analysis.number_format import literal, number

READ_WITH = {"population": "population statistics", "running": "the running average"}
COLOURS = {"population": "test loss", "running": "own"}
LINEAR_BELOW = 0.01
"""Nats up to which the axis of effects is linear: twice the smallest effect that matters."""
HIGHEST, LINE, CLOSE = 0.99, 0.09, 0.06
"""Where the numbers of edits stand in a panel, as shares of its height and width."""
LONGEST = 34
"""Characters of an edit in the name of a row."""


def losses_with_edits(table: pd.DataFrame, tree: Tree) -> Figure:
    """Test losses of every training, and of the last one less the twin's; edits as vertical lines.

    `table` is that of `losses_while_training`. What was undone or left aside is grey.
    """
    test = table[table["split"] == "test"]
    shown = [name for name in READ_WITH if (test["statistics"] == name).any()]
    figure, grid = grid_of(len(shown) + 1, sharex=False)
    for axes, statistics in zip(grid[0], shown, strict=False):
        _losses(axes, test[test["statistics"] == statistics], tree)
        axes.set(title=f"test loss, {READ_WITH[statistics]}", xlabel="update", ylabel="nats")
    _less_twin(grid[0, -1], test[test["lineage"] == tree.last], shown)
    for axes in grid[0]:
        _mark(axes, tree.chain)
    legend(grid[0, 0])
    legend(grid[0, -1])
    return figure


def _losses(axes: Axes, rows: pd.DataFrame, tree: Tree) -> None:
    chain = [edit.lineage for edit in tree.chain]
    aside = [edit.lineage for edit in tree.edits if edit.lineage not in chain]
    for i, lineage in enumerate(aside):
        name = "undone, or left aside" if i == 0 else None
        _curve(axes, rows, lineage, GREY.light, name)
    _curve(axes, rows, TWIN, ink(0), "without edits", "--")
    for i, edit in enumerate(tree.chain):
        name = f"edit {edit.lineage}: {_short(edit.change)}"
        line = ("-", "-.")[i % 2]  # Neighbours of a long chain share a colour.
        _curve(axes, rows, edit.lineage, of_draw(i, len(chain)), name, line, above=len(chain) - i)
    if (rows["loss"] > 0).any():
        powers(axes)


def _curve(
    axes: Axes,
    rows: pd.DataFrame,
    lineage: int,
    colour: str,
    name: str | None,
    line: str = "-",
    *,
    above: int = 0,
) -> None:
    """One training; of lines that lie on each other, the higher one is seen."""
    curve = rows[rows["lineage"] == lineage].sort_values("step")
    how: Any = {"color": colour, "linewidth": 1.4, "label": name, "zorder": 2 + above / 1000}
    axes.plot(curve["step"], curve["loss"], line, **how)


def _less_twin(axes: Axes, rows: pd.DataFrame, shown: list[str]) -> None:
    axes.axhline(0, color="#777777", linewidth=1)
    for statistics in shown:
        curve = rows[rows["statistics"] == statistics].sort_values("step")
        colour = meaning(COLOURS[statistics])
        name = f"with {READ_WITH[statistics]}"
        axes.plot(curve["step"], curve["less_twin"], color=colour, linewidth=1.4, label=name)
        ends = (curve["step"], curve["low"], curve["high"])
        axes.fill_between(*ends, color=colour, alpha=0.15, linewidth=0)
    axes.set(title="last training less the twin", xlabel="update", ylabel="nats of test loss")


def _mark(axes: Axes, chain: tuple[Edit, ...]) -> None:
    """A line at each edit with its number beside it, lower where the one before is close."""
    left, right = axes.get_xlim()
    last, height = left - (right - left), HIGHEST
    for edit in sorted(chain, key=lambda edit: edit.step):
        axes.axvline(edit.step, color="#777777", linewidth=0.8, linestyle=":")
        close = edit.step - last < CLOSE * (right - left)
        height = height - LINE if close and height > LINE else HIGHEST
        last = edit.step
        across = axes.get_xaxis_transform()
        axes.text(edit.step, height, f" {edit.lineage}", transform=across, fontsize=10, va="top")


def effects_by_edit(table: pd.DataFrame) -> Figure:
    """The effect of every edit on test loss with its interval: a row per edit, a panel per time.

    `table` is that of `effects_of_edits`.
    """
    rows = table[(table["split"] == "test") & (table["quantity"] == "loss")]
    rows = rows.assign(name=[_row_name(row) for row in rows.to_dict("records")])
    moments = [when for when in (EPOCH_AFTER, AT_END) if (rows["when"] == when).any()]
    return _forest(rows, {when: rows[rows["when"] == when] for when in moments})


def effects_by_schedule(table: pd.DataFrame) -> Figure:
    """Test loss with edits less without: a row per arm and combination of crossed fields.

    `table` is that of `effects_of_schedules`.
    """
    rows = table[table["quantity"] == "test_loss"]
    named = [", ".join(filter(None, (r["arm"], r["where"]))) for r in rows.to_dict("records")]
    rows = rows.assign(name=named)
    return _forest(rows, {"at the end": rows})


def _forest(rows: pd.DataFrame, panels: dict[str, pd.DataFrame]) -> Figure:
    """Effects with their intervals, a named row each: the same rows in every panel."""
    names = list(dict.fromkeys(rows["name"]))
    figure, grid = grid_of(max(len(panels), 1), sharex=False)
    figure.set_gid(TALL)
    figure.set_size_inches(9.2, 1.2 + 0.36 * max(len(names), 3))
    for axes, (title, part) in zip(grid[0], panels.items(), strict=False):
        _effects(axes, part, names)
        axes.set(title=f"test loss, {title}", xlabel="nats; below 0 is better")
    legend(grid[0, max(len(panels), 1) - 1])  # Where every row has a value.
    return figure


def _effects(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [literal(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0, color="#777777", linewidth=1)
    for place in sorted(set(range(len(names))) - set(rows["name"].map(names.index))):
        across = axes.get_yaxis_transform()
        axes.text(
            0.98, place, "not read then", transform=across, fontsize=9, va="center", ha="right"
        )
    for i, (statistics, words) in enumerate(READ_WITH.items()):
        part = rows[(rows["statistics"] == statistics) & np.isfinite(rows["mean"])]
        if part.empty:
            continue
        drawn = axes.errorbar(
            part["mean"],
            part["name"].map(names.index) + 0.3 * (i - 0.5),
            xerr=around_mean(part),
            color=meaning(COLOURS[statistics]),
            marker="os"[i],
            markersize=4,
            linewidth=1.2,
            linestyle="none",
            label=f"with {words}",
        )
        drawn.lines[0].set_gid(seeds_of(part))
    axes.margins(x=0.06)
    axes.set_xscale("symlog", linthresh=LINEAR_BELOW)
    axes.set_xticks(_powers(*axes.get_xlim()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, place: number(value))
    axes.tick_params(axis="x", labelsize=9)


def _powers(low: float, high: float) -> list[float]:
    """0 and powers of ten between the ends, at most three on a side, so that none overlap."""
    farthest = max(-low, high, LINEAR_BELOW)
    top = math.floor(math.log10(farthest))
    sizes = [10.0**k for k in range(max(top - 2, round(math.log10(LINEAR_BELOW))), top + 1)]
    sizes = sizes[1:] if len(sizes) == 3 else sizes
    return [v for v in (*(-size for size in sizes), 0.0, *sizes) if low <= v <= high]


def _row_name(row: dict[str, object]) -> str:
    if row["kind"] != "edit":
        return "all edits together"
    return f"{row['lineage']}: {_short(str(row['change']))}"


def _short(change: str) -> str:
    words = in_short(change)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
