"""Figures that split an effect into parts; they compute nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import heatmaps as maps
from caviar.analysis.figures.axes import (
    facets_of,
    grid_of,
    legend,
    legend_below,
    line,
    line_per_facet,
    log_axis,
    powers,
    powers_both_ways,
    signed_axis,
    size_axis,
)
from caviar.analysis.figures.palette import colour_of, meaning, of_reader
from caviar.analysis.run.design import in_order

ROUNDING = 1e-6
"""A part of an error below this is zero by construction, except for single-precision rounding."""

PENALTY_NAMES = {
    "noise_penalty": "R_in",
    "external_penalty": "R_ext",
    "self_influence": "self-influence, measured",
    "predicted_self_influence": "self-influence, predicted",
}

PENALTY_COLOURS = {
    "noise_penalty": "batch",
    "external_penalty": "statistics of other examples",
    "self_influence": "self-influence",
    "predicted_self_influence": "self-influence, predicted",
}

STRENGTHS = {
    "same_train_loss": "same train loss",
    "same_test_loss": "same test loss",
    "predicted": "predicted, same variance",
}
DIFFERENCES = {"difference": "at the same train loss", "best_difference": "at its best strength"}
"""What is drawn of equivalent strengths, and its name in the legend."""


def penalty_matrix(table: pd.DataFrame, label: str) -> Figure:
    """R_in by size at evaluation and size at training, as a map."""
    rows = table[table["quantity"] == "noise_penalty"]
    parts = {str(facet): part for facet, part in rows.groupby("facet")}
    figure, grid = grid_of(len(parts))
    figure.set_size_inches(6.4 * len(parts), 4.4)
    scale = maps.scale_of(rows["mean"], log=True)
    for axes, (facet, part) in zip(grid[0], parts.items(), strict=True):
        part = part.assign(half=maps.half_width(part))
        wide, half = (
            part.pivot(index="probe_batch_size", columns="level", values=name)
            for name in ("mean", "half")
        )
        image = maps.colours_of(axes, wide, scale, f"trained with: {label}")
        maps.numbered(axes, wide, half)
        axes.set_yticks(range(wide.shape[0]), [f"{size:g}" for size in wide.index])
        axes.set(ylabel="evaluated with groups of", title=facet)
        maps.bar(figure, image, [axes], "nats")
    return figure


def penalty_split(table: pd.DataFrame, label: str) -> Figure:
    """R_in, R_ext and self-influence, measured and predicted, at the size trained with.

    The axis has both signs: self-influence is negative where R_ext is larger than R_in.
    """
    trained = table[table["probe_batch_size"] == table["level"]]
    figure = Figure(figsize=(6, 4.8), layout="constrained")
    axes = figure.subplots()
    for i, (quantity, name) in enumerate(PENALTY_NAMES.items()):
        rows, colour = trained[trained["quantity"] == quantity], meaning(PENALTY_COLOURS[quantity])
        line_per_facet(axes, rows, i, name, facets_of(trained), colour)
    signed_axis(axes, trained)
    size_axis(axes, trained["level"], label)
    axes.set_ylabel("nats")
    legend_below(figure, axes)
    return figure


def gradient_noise(table: pd.DataFrame, label: str) -> Figure:
    """Share of the gradient's variance that comes from the partition into ghosts."""
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    for i, (facet, rows) in enumerate(table.groupby("facet")):
        line(axes, rows, i, str(facet))
    size_axis(axes, table["level"], label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("share of the gradient's variance")
    legend(axes)
    return figure


def error_parts(table: pd.DataFrame, label: str) -> Figure:
    """Sampling, staleness and propagation of one tracker against size, one row per layer."""
    layers = in_order(table["layer"])
    figure, grid = grid_of(2, rows=len(layers))
    words = {"mean": "running mean (deviations)", "variance": "running variance (log ratio)"}
    for across, layer in zip(grid, layers, strict=True):
        for axes, (quantity, name) in zip(across, words.items(), strict=True):
            part = table[(table["layer"] == layer) & (table["quantity"] == quantity)]
            for i, (which, rows) in enumerate(part.groupby("part")):
                drawn = rows[rows["mean"] > ROUNDING]
                line_per_facet(axes, drawn, i, str(which), facets_of(table), colour_of(str(which)))
            theory = part[part["predicted"] > 0].sort_values("level")
            if layer == layers[0] and len(theory):
                style = {"color": "#000000", "marker": "x", "linestyle": "none", "zorder": 9}
                axes.plot(theory["level"], theory["predicted"], label="sampling, theory", **style)
            log_axis(axes, part)
            size_axis(axes, part["level"], label)
            axes.set(title=f"{layer}: {name}", ylabel="root mean square")
    legend_below(figure, grid[0, 0])
    return figure


def error_parts_over_decay(table: pd.DataFrame) -> Figure:
    """Parts of the mean's error against the memory of the average, at one size."""
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for i, (part, rows) in enumerate(table.groupby("part")):
        rows = rows.assign(level=rows["memory"])
        line_per_facet(axes, rows, i, str(part), facets_of(table), colour_of(str(part)))
    powers_both_ways(axes)
    axes.set_xlabel("memory 1/(1 - decay), updates")
    axes.set_ylabel("root mean square (deviations)")
    axes.set_title(f"{table['layer'].iloc[0]}, m = {table['level'].iloc[0]:g}")
    legend_below(figure, axes)
    return figure


def error_parts_over_time(table: pd.DataFrame) -> Figure:
    """Parts of the mean's error in the last layer against the step, for three sizes."""
    last = in_order(table["layer"])[-1]
    rows = table[(table["quantity"] == "mean") & (table["layer"] == last)]
    levels = sorted(rows["level"].unique())
    chosen = list(dict.fromkeys((levels[0], levels[len(levels) // 2], levels[-1])))
    figure, grid = grid_of(len(chosen), sharey=True)
    for axes, level in zip(grid[0], chosen, strict=True):
        here = rows[rows["level"] == level]
        for i, (part, by_step) in enumerate(here.groupby("part")):
            of_part = by_step.assign(level=by_step["step"])
            line_per_facet(axes, of_part, i, str(part), facets_of(rows), colour_of(str(part)))
        log_axis(axes, here)
        axes.set(xlabel="step", title=f"{last}, m = {level:g}")
    grid[0, 0].set_ylabel("root mean square (deviations)")
    legend_below(figure, grid[0, 0])
    return figure


def repairs(table: pd.DataFrame, usual: pd.DataFrame, label: str, name: str) -> Figure:
    """Test loss under several statistics less that under the population's, against size."""
    figure = Figure(figsize=(6, 4.8), layout="constrained")
    axes = figure.subplots()
    line_per_facet(axes, usual, 0, f"running: {name}", facets_of(table), of_reader(name))
    for i, (kind, rows) in enumerate(table.groupby("statistics"), start=1):
        line_per_facet(axes, rows, i, str(kind), facets_of(table), of_reader(str(kind)))
    signed_axis(axes, pd.concat([table, usual]))
    size_axis(axes, table["level"], label)
    axes.set_ylabel("test loss less population loss (nats)")
    legend_below(figure, axes)
    return figure


def mechanism_shares(table: pd.DataFrame, label: str) -> Figure:
    """What each mechanism adds to train and test loss, against size."""
    figure, grid = grid_of(2)
    for axes, quantity, words in zip(
        grid[0], ("train_loss", "test_loss"), ("train loss", "test loss"), strict=True
    ):
        part = table[table["quantity"] == quantity]
        for i, (name, rows) in enumerate(part.groupby("mechanism", sort=False)):
            line(axes, rows, i, str(name), colour_of(str(name)))
        axes.axhline(0, color="#777777", linewidth=1)
        powers(axes, linear_below=0.01)
        # Leave-one-out at m = 4 has no second moment: values off the scale are in the table.
        axes.set_ylim(-0.3, 0.3)
        size_axis(axes, part["level"], label)
        axes.set(title=f"added to {words}", ylabel="nats")
    legend_below(figure, grid[0, 0])
    return figure


def equivalent_strength(table: pd.DataFrame, label: str) -> Figure:
    """By regulariser, the strength as strong as batch norm, and the difference in test loss."""
    regularisers = list(dict.fromkeys(table["regulariser"]))
    figure, grid = grid_of(len(regularisers), rows=2)
    for above, below, name in zip(*grid, regularisers, strict=True):
        rows = table[table["regulariser"] == name]
        for axes, quantities in ((above, STRENGTHS), (below, DIFFERENCES)):
            for i, (quantity, words) in enumerate(quantities.items()):
                if len(of_quantity := rows[rows["quantity"] == quantity]):
                    line(axes, of_quantity, i, words)
            size_axis(axes, table["level"], label)
            legend(axes)
        below.axhline(0, color="#777777", linewidth=1)
        above.set(title=name.replace("_", " "), ylabel="strength")
        below.set_ylabel("test loss, batch norm less it (nats)")
    return figure


def best_decay(table: pd.DataFrame, label: str) -> Figure:
    """Best memory against size, by layer, with a line of slope -1/3."""
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    for i, layer in enumerate(in_order(table["layer"])):
        rows = table[table["layer"] == layer].rename(columns={"memory": "mean"})
        rows = rows.assign(low=1 / (1 - rows["low"]), high=1 / (1 - rows["high"]))
        line_per_facet(axes, rows, i, layer, facets_of(table))
    levels = np.array(sorted(set(table["level"])))
    middle = float(np.median(table["memory"]))
    slope = middle * (levels / np.median(levels)) ** (-1 / 3)
    axes.plot(levels, slope, color="#777777", linestyle="--", linewidth=1, label="m^(-1/3)")
    powers(axes)
    size_axis(axes, levels, label)
    axes.set_ylabel("best memory 1/(1 - decay), updates")
    legend(axes)
    return figure


def designs(table: pd.DataFrame) -> Figure:
    """Train and test loss of several designs against size, less those at a common size."""
    figure, grid = grid_of(2)
    for axes, quantity, words in zip(
        grid[0], ("train_loss", "test_loss"), ("train loss", "test loss"), strict=True
    ):
        part = table[table["quantity"] == quantity]
        for i, (key, rows) in enumerate(part.groupby(["study", "facet"], sort=False)):
            line(axes, rows, i, ", ".join(str(word) for word in key if word))
        axes.axhline(0, color="#777777", linewidth=1)
        size_axis(axes, part["level"], "size: batch of the update, or norm batch")
        powers(axes, linear_below=0.05)
        axes.set(title=words, ylabel="difference (nats)")
    legend_below(figure, grid[0, 0])
    return figure
