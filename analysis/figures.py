"""Frames to axes; computes nothing."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import maps
from analysis.design import in_order
from analysis.trackers import trackers

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
"""Okabe & Ito 2008: told apart by readers with any colour vision."""
MARKERS = "osD^vPX"
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "svg.hashsalt": "caviar",
    "svg.fonttype": "path",
    "figure.dpi": 110,
}


def style() -> Any:
    """The context in which figures are drawn and saved."""
    return matplotlib.rc_context(STYLE)


def _figure(columns: int, *, rows: int = 1, sharey: bool = False) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=sharey)


def _sizes(axes: Axes, levels: Any, label: str) -> None:
    levels = sorted(set(levels))
    axes.set_xscale("log", base=2)
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.minorticks_off()
    axes.set_xlabel(label)


def _line(axes: Axes, rows: pd.DataFrame, index: int, name: str) -> None:
    rows = rows.sort_values("level")
    low = (rows["mean"] - rows["low"]).fillna(0).clip(lower=0)
    high = (rows["high"] - rows["mean"]).fillna(0).clip(lower=0)
    axes.errorbar(
        rows["level"],
        rows["mean"],
        yerr=np.stack([low, high]),
        color=COLOURS[index % len(COLOURS)],
        marker=MARKERS[index % len(MARKERS)],
        markersize=4.5,
        capsize=2.5,
        linewidth=1.4,
        label=name or None,
    )


def _series(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """One line a reading and facet, named by what differs."""
    keys = [k for k in ("facet", "reading") if table[k].nunique() > 1]
    if not keys:
        return [("", table)]
    return [(", ".join(str(k) for k in key if k), rows) for key, rows in table.groupby(keys)]


def overview(
    penalty: pd.DataFrame,
    effect: pd.DataFrame,
    errors: pd.DataFrame,
    label: str,
    reference: float,
) -> Figure:
    """Both questions at a glance: noise penalty, test loss, and error of one running average."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    tests = effect[effect["quantity"] == "test_loss"]
    if len(penalty):
        for i, (name, rows) in enumerate(_series(penalty)):
            _line(left, rows, i, name)
        _log(left, penalty)
    for i, (name, rows) in enumerate(_series(tests)):
        _line(middle, rows, i, name)
    middle.axhline(0, color="#777777", linewidth=1)
    if len(errors):
        for i, (name, rows) in enumerate(_both_errors(errors)):
            _line(right, rows, i, name)
        _log(right, errors)
    left.set(title="1. train-mode less population loss", ylabel="nats")
    middle.set(title=f"1. test loss less that at {reference:g}", ylabel="nats")
    right.set(title="2. error of running statistics", ylabel="deviations; log ratio")
    levels = [*penalty.get("level", []), *tests["level"], reference]
    for axes in (left, middle, right):
        _legend(axes)
        _sizes(axes, levels, label)
    return figure


def _both_errors(errors: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    named = []
    for quantity, words in (("mean_error", "mean"), ("variance_error", "variance")):
        for facet, rows in errors[errors["quantity"] == quantity].groupby("facet"):
            named.append((f"running {words}" + (f", {facet}" if facet else ""), rows))
    return named


def noise_penalty(table: pd.DataFrame, label: str, symbol: str) -> Figure:
    """Train-mode less population loss against size, on log axes, with a line of slope -1."""
    figure, grid = _figure(1)
    axes = grid[0, 0]
    for i, (name, rows) in enumerate(_series(table)):
        _line(axes, rows, i, name)
    positive = table[table["mean"] > 0].sort_values("level")
    if len(positive):
        levels = np.array(sorted(set(positive["level"])))
        middle = positive.iloc[len(positive) // 2]
        axes.plot(
            levels,
            middle["mean"] * middle["level"] / levels,
            color="#777777",
            linestyle="--",
            linewidth=1,
            label=f"proportional to 1/{symbol}",
        )
    _log(axes, table)
    _sizes(axes, table["level"], label)
    axes.set_ylabel("noise penalty (nats)")
    _legend(axes)
    return figure


def effect_of_size(table: pd.DataFrame, label: str, reference: float) -> Figure:
    """Train and test loss against the largest size."""
    figure, grid = _figure(2)
    for axes, quantity, title in zip(
        grid[0], ("train_loss", "test_loss"), ("train loss", "test loss"), strict=True
    ):
        part = table[table["quantity"] == quantity]
        for i, (name, rows) in enumerate(_series(part)):
            _line(axes, rows, i, name)
        axes.axhline(0, color="#777777", linewidth=1)
        _sizes(axes, [*part["level"], reference], label)
        axes.set_title(title)
        axes.set_ylabel(f"difference from {reference:g} (nats)")
        _legend(axes)
    return figure


def statistics_error(table: pd.DataFrame, label: str) -> Figure:
    """Error of running mean and variance against size: a row a layer, a line a tracker."""
    layers = in_order(table["layer"])
    if maps.many(table):
        rows = table[table["layer"] == layers[-1]]
        parts = {
            f"{layers[-1]}, {words}": rows[rows["quantity"] == quantity]
            for quantity, words in (("mean_error", "mean"), ("variance_error", "variance"))
        }
        return maps.draw(parts, label, "error", log=True)
    figure, grid = _figure(2, rows=len(layers))
    for across, layer in zip(grid, layers, strict=True):
        for axes, quantity, words in zip(
            across,
            ("mean_error", "variance_error"),
            ("running mean (deviations)", "running variance (log ratio)"),
            strict=True,
        ):
            part = table[(table["layer"] == layer) & (table["quantity"] == quantity)]
            for i, (name, rows) in enumerate(trackers(part)):
                _line(axes, rows, i, name)
            _log(axes, part)
            _sizes(axes, part["level"], label)
            axes.set_title(f"{layer}: {words}")
            axes.set_ylabel("root mean square error")
    _legend_below(figure, grid[0, 0])
    return figure


def running_damage(table: pd.DataFrame, label: str) -> Figure:
    """Test loss under each tracker less that under population statistics."""
    if maps.many(table):
        return maps.draw({"test loss": table}, label, "loss less population loss (nats)", log=False)
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for i, (name, rows) in enumerate(trackers(table)):
        _line(axes, rows, i, name)
    axes.axhline(0, color="#777777", linewidth=1)
    _sizes(axes, table["level"], label)
    axes.set_ylabel("test loss less population loss (nats)")
    _legend_below(figure, axes)
    return figure


def _log(axes: Axes, table: pd.DataFrame) -> None:
    """A logarithmic y axis, if anything is above zero to stand on it."""
    if (table["mean"] > 0).any():
        axes.set_yscale("log", nonpositive="mask")


def _legend(axes: Axes) -> None:
    """A legend where lines have names; a single line without one needs none."""
    if any(axes.get_legend_handles_labels()[1]):
        axes.legend()


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    columns = 2 if figure.get_figwidth() < 6 else 4
    figure.legend(handles, names, loc="outside lower center", ncols=min(columns, len(names)))


def batch_noise(table: pd.DataFrame) -> Figure:
    """Measured against predicted variance of batch statistics: points on y = x agree."""
    figure, grid = _figure(2)
    for axes, which in zip(grid[0], ("mean", "deviation"), strict=True):
        for i, (layer, rows) in enumerate(table.groupby("layer")):
            axes.plot(
                rows[f"predicted_{which}"],
                rows[f"measured_{which}"],
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)],
                color=COLOURS[i % len(COLOURS)],
                markersize=5,
                label=layer,
            )
        both = table[[f"predicted_{which}", f"measured_{which}"]]
        ends = [both[both > 0].min().min(), both.max().max()]
        axes.plot(ends, ends, color="#777777", linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel="predicted", ylabel="measured")
        axes.set_title(f"variance of the batch {which}")
        axes.legend()
    return figure
