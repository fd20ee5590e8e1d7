"""Figures of a watched training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import (
    as_text,
    grid_of,
    legend,
    line,
    powers,
    signed_axis,
    size_axis,
)
from caviar.analysis.figures.palette import MEANINGS, ink
from caviar.analysis.number_format import literal

OWN = MEANINGS["own"].light


def losses_while_training(curves: pd.DataFrame, evaluations: pd.DataFrame) -> Figure:
    """Train-mode loss, and the loss of each probed split under population statistics."""
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    axes.plot(curves["step"], curves["loss"], color=MEANINGS["batch"].light, label="train mode")
    for split, rows in _population(evaluations):
        colour = MEANINGS[f"{split} loss"].light
        name = f"{split} examples, population statistics"
        axes.plot(rows["step"], rows["loss"], color=colour, marker="o", markersize=3, label=name)
    if (curves["loss"] > 0).any():
        powers(axes)
    axes.set(xlabel="update", ylabel="nats")
    legend(axes)
    return figure


def _population(evaluations: pd.DataFrame) -> Any:
    """The rows under population statistics, by split; none where nothing was measured."""
    if evaluations.empty:  # It may have no columns either.
        return ()
    return evaluations[evaluations["statistics"] == "population"].groupby("split")


def errors_while_training(errors: pd.DataFrame) -> Figure:
    """Errors of the model's own average and of PyTorch's rule at every decay, by update."""
    figure, grid = grid_of(2)
    names = {
        "mean_error": "error of the mean, deviations",
        "variance_error": "of the variance, log",
    }
    shown = errors[errors["rule"].isin(["own", "unbiased"])]
    for axes, (column, title) in zip(grid[0], names.items(), strict=True):
        for i, (tracker, rows) in enumerate(shown.groupby("tracker")):
            is_own = tracker == "own"
            name = "the model's own" if is_own else literal(str(tracker))
            colour = OWN if is_own else ink(i)
            axes.plot(rows["step"], rows[column], color=colour, marker="osD^vPX"[i % 7], label=name)
        if (shown[column] > 0).any():
            powers(axes)
        axes.set(title=title, xlabel="update")
    legend(grid[0, 0])
    return figure


def added_by_decay(table: pd.DataFrame) -> Figure:
    """What every average adds to the loss, by its memory in updates."""
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    shown = table.rename(columns={"added": "mean"}).assign(level=1 / (1 - table["tracker_decay"]))
    for i, (rule, rows) in enumerate(shown[shown["level"].notna()].groupby("rule")):
        line(axes, rows, i, str(rule))
    for cost in shown.loc[shown["rule"] == "own", "mean"]:
        axes.axhline(cost, color=OWN, linewidth=1.2, label="the model's own")
    memories = shown["level"].dropna()
    if len(memories):
        axes.set_xlim(memories.min() / 2, memories.max() * 2)
    axes.set(xscale="log", xlabel="memory in updates, 1 / (1 - decay)", ylabel="nats")
    as_text(axes.xaxis)
    signed_axis(axes, shown)
    legend(axes)
    return figure


def noise_by_size(table: pd.DataFrame) -> Figure:
    """R_in, and the noise of an example's normalised value in each layer, by batch size."""
    figure, grid = grid_of(2)
    network = table["layer"] == "network"
    sides = (("noise_penalty", table[network]), ("noise_to_signal", table[~network]))
    titles = ("R_in, nats", "scatter of a normalised value")
    for axes, (column, rows), title in zip(grid[0], sides, titles, strict=True):
        for i, (layer, of_layer) in enumerate(rows.groupby("layer", sort=False)):
            values = of_layer.rename(columns={"probe_batch_size": "level", column: "mean"})
            values = values[np.isfinite(values["mean"].astype(float))]
            line(
                axes,
                values.assign(low=np.nan, high=np.nan),
                i,
                str(layer) if len(rows) < 40 else "",
            )
        if len(rows):
            size_axis(axes, rows["probe_batch_size"], "examples that share a mean")
        axes.set_title(title)
    return figure
