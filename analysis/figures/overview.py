"""Figures of effects, errors and noise against size; they compute nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import heatmaps as maps
from caviar.analysis.figures.axes import (
    MARKERS,
    band,
    facets_of,
    grid_of,
    legend,
    legend_below,
    line,
    line_per_facet,
    log_axis,
    powers_both_ways,
    series,
    size_axis,
)
from caviar.analysis.figures.palette import SOFT, ink, meaning, of_reader
from caviar.analysis.figures.tracker_series import trackers
from caviar.analysis.number_format import MINUS, number
from caviar.analysis.run.design import in_order
from caviar.analysis.tables.batch_noise import farthest


def overview(effect: pd.DataFrame, averages: pd.DataFrame, label: str, reference: float) -> Figure:
    """Both questions at a glance: what the size does to test loss, and what averages add to it.

    `averages` has a row per facet, decay and level, with the reader's name in `reader`.
    """
    figure, grid = grid_of(2)
    figure.set_figheight(2.5)  # Both answers fit the first screen, of a phone too.
    left, right = grid[0]
    tests = effect[effect["quantity"] == "test_loss"]
    for i, (name, rows) in enumerate(series(tests)):
        line(left, rows, i, ", ".join(filter(None, ("test loss", name))), meaning("test loss"))
        band(left, rows, meaning("test loss"))
    facets = facets_of(averages)
    for i, reader in enumerate(dict.fromkeys(averages["reader"])):
        rows = averages[averages["reader"] == reader]
        line_per_facet(right, rows, i, str(reader), facets, of_reader(str(reader)))
    left.set(title=f"1. Test loss less that at {reference:g}", ylabel="nats; below 0 is better")
    right.set(title="2. Test loss added by running averages", ylabel="nats; 0 is harmless")
    for axes in (left, right):
        axes.axhline(0, color=SOFT.light, linewidth=1)
        size_axis(axes, [*tests["level"], reference], label)
    legend_below(figure, left, right)
    return figure


def noise_penalty(table: pd.DataFrame, label: str, symbol: str) -> Figure:
    """Train-mode less population loss against size, on log axes, with a line of slope -1."""
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    for i, (name, rows) in enumerate(series(table)):
        line(axes, rows, i, name, meaning("batch"))
    positive = table[table["mean"] > 0].sort_values("level")
    if len(positive):
        levels = np.array(sorted(set(positive["level"])))
        middle = positive.iloc[len(positive) // 2]
        axes.plot(
            levels,
            middle["mean"] * middle["level"] / levels,
            color=SOFT.light,
            linestyle="--",
            linewidth=1,
            label=f"proportional to 1/{symbol}",
        )
    log_axis(axes, table)
    size_axis(axes, table["level"], label)
    axes.set_ylabel("noise penalty (nats)")
    legend(axes)
    return figure


def effect_of_size(table: pd.DataFrame, label: str, reference: float) -> Figure:
    """Train and test loss against the largest size."""
    figure, grid = grid_of(2)
    for axes, quantity, title in zip(
        grid[0], ("train_loss", "test_loss"), ("train loss", "test loss"), strict=True
    ):
        part = table[table["quantity"] == quantity]
        for i, (name, rows) in enumerate(series(part)):
            line(axes, rows, i, name, meaning(title))
            band(axes, rows, meaning(title))
        axes.axhline(0, color=SOFT.light, linewidth=1)
        size_axis(axes, [*part["level"], reference], label)
        axes.set_title(title)
        axes.set_ylabel(f"difference from {reference:g} (nats)")
        legend(axes)
    return figure


def statistics_error(table: pd.DataFrame, label: str) -> Figure:
    """Error of running mean and variance against size: one row per layer, one line per tracker."""
    layers = in_order(table["layer"])
    if maps.many(table):
        rows = table[table["layer"] == layers[-1]]
        parts = {
            f"{layers[-1]}, {words}": rows[rows["quantity"] == quantity]
            for quantity, words in (("mean_error", "mean"), ("variance_error", "variance"))
        }
        return maps.draw(parts, label, "error", log=True)
    figure, grid = grid_of(2, rows=len(layers))
    for across, layer in zip(grid, layers, strict=True):
        for axes, quantity, words in zip(
            across,
            ("mean_error", "variance_error"),
            ("running mean (deviations)", "running variance (log ratio)"),
            strict=True,
        ):
            part = table[(table["layer"] == layer) & (table["quantity"] == quantity)]
            for i, (name, rows) in enumerate(trackers(part)):
                line(axes, rows, i, name, of_reader(name))
            log_axis(axes, part)
            size_axis(axes, part["level"], label)
            axes.set_title(f"{layer}: {words}")
            axes.set_ylabel("root mean square error")
    legend_below(figure, grid[0, 0])
    return figure


def running_damage(table: pd.DataFrame, label: str) -> Figure:
    """Test loss under each tracker less that under population statistics."""
    if maps.many(table):
        return maps.draw({"test loss": table}, label, "loss less population loss (nats)", log=False)
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for i, (name, rows) in enumerate(trackers(table)):
        line(axes, rows, i, name, of_reader(name))
    axes.axhline(0, color=SOFT.light, linewidth=1)
    size_axis(axes, table["level"], label)
    axes.set_ylabel("test loss less population loss (nats)")
    legend_below(figure, axes)
    return figure


NOISE_PANELS = {
    "mean": "variance of the batch mean",
    "deviation": "variance of the batch deviation",
    "noise_to_signal": "noise-to-signal of one example",
    "coupling": "Jacobian energy between examples",
}


def _farthest(table: pd.DataFrame, which: str) -> str:
    """`farthest: m = 4, 0.401 for 0.286 (+40 %)`."""
    point = farthest(table, which)
    if point is None:
        return ""
    excess = f"{100 * point.excess:+.0f} %".replace("-", MINUS)
    values = f"{number(point.measured)} for {number(point.predicted)} ({excess})"
    return f"farthest: {point.layer}, m = {point.size:g}, {values}"


def batch_noise(table: pd.DataFrame) -> Figure:
    """Measured against predicted noise, and in each title the point farthest from y = x."""
    panels = [which for which in NOISE_PANELS if f"measured_{which}" in table]
    figure, grid = grid_of(2, rows=(len(panels) + 1) // 2, sharex=False)
    for axes, which in zip(grid.flat, panels, strict=False):
        for i, (layer, rows) in enumerate(table.groupby("layer")):
            axes.plot(
                rows[f"predicted_{which}"],
                rows[f"measured_{which}"],
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)],
                color=ink(i),
                markersize=5,
                label=layer,
            )
            if f"low_{which}" in rows:
                axes.vlines(
                    rows[f"predicted_{which}"],
                    rows[f"low_{which}"],
                    rows[f"high_{which}"],
                    color=ink(i),
                    linewidth=1.2,
                )
        both = table[[f"predicted_{which}", f"measured_{which}"]]
        ends = [both[both > 0].min().min(), both.max().max()]
        axes.plot(ends, ends, color=SOFT.light, linewidth=1)
        powers_both_ways(axes)
        axes.set(xlabel="predicted", ylabel="measured")
        axes.set_title(f"{NOISE_PANELS[which]}\n{_farthest(table, which)}", fontsize=10)
        axes.legend()
    return figure
