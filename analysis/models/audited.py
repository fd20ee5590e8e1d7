"""What the kept audit of a model says: the verdict, its parts by layer, and the cost of noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import TALL, grid_of, legend, size_axis
from caviar.analysis.figures.palette import MEANINGS
from caviar.analysis.models.model_results import ModelAnswer, ModelResults, ModelTable
from caviar.analysis.models.watched_tables import batch_noise
from caviar.analysis.number_format import literal, number
from caviar.analysis.run.read import Run

PARTS = ("start", "sampling", "lag", "bias", "shift")
"""The parts of a norm's error, as `caviar audit` names them."""

CAREFUL = (
    "the verdict is about these weights and these data; R_in at other sizes is what these weights "
    "bear, not what training with that size would give."
)


def audited_results(run: Run) -> ModelResults:
    """The answers of a kept audit, from its verdict and its tables."""
    told = run.study["model"]["audit"]
    noise = batch_noise(run)
    norms = len(told["layers"])
    opening = (
        f"{run.name}: an audit of {run.study['model']['class']} ({norms} batch norm"
        f"{'s' * (norms != 1)}) on {told['examples']:,} examples found: {told['cause']}."
    )
    also = [told["also"]["sentence"]] if told["also"] else []
    more = (*told["actions"], *also, *_losses(told))
    return ModelResults(
        run=run,
        opening=opening,
        answers=(
            ModelAnswer("Are its running averages right?", told["sentence"], more),
            ModelAnswer("What does batch noise cost?", *_noise(told)),
        ),
        careful=CAREFUL,
        following="caviar compare, with the audit of the changed model",
        tables=tuple(table for table in (_by_layer(told), _by_size(noise)) if len(table.table)),
    )


def _losses(told: dict[str, Any]) -> list[str]:
    losses = told["loss"]
    if not losses:
        return []
    whose = "test set" if told["loss_of"] == "test" else "data"
    each = [f"{name} {number(float('nan') if v is None else v)}" for name, v in losses.items()]
    return [f"Loss of the {whose} by the statistics that normalise it, nats: {', '.join(each)}."]


def _noise(told: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    known = {int(m): v for m, v in (told["batch_noise"] or {}).items() if v is not None}
    size = told["batch_size"]
    if size not in known:
        return f"Not known at m = {size:,}: no loss was read in batches of that size.", ()
    others = [f"{number(v)} at {m}" for m, v in known.items() if m != size]
    more = (f"In batches of other sizes: {', '.join(others)}.",) if others else ()
    return (
        f"At m = {size:,} the statistics of a batch add {number(known[size])} nats to the loss "
        "under population statistics at the same weights (R_in).",
        more,
    )


def layer_table(told: dict[str, Any]) -> pd.DataFrame:
    """The norms of an audit: the size of each part of their errors, divergence, and cost."""
    rows = []
    for layer in told["layers"]:
        row = {"layer": layer["name"], "kl_per_unit": layer["kl_per_unit"], "loss": layer["loss"]}
        for part in PARTS:
            sizes = layer[part] or {}
            row[f"{part}_mean"] = sizes.get("mean", {}).get("rms")
            row[f"{part}_variance"] = sizes.get("log_variance", {}).get("rms")
        rows.append(row)
    return pd.DataFrame(rows)


def _by_layer(told: dict[str, Any]) -> ModelTable:
    table = layer_table(told)
    means = {f"{part}_mean": "population deviations" for part in PARTS}
    variances = {f"{part}_variance": "log ratio" for part in PARTS}
    return ModelTable(
        "layers",
        "Every norm: how far its statistics are off, why, and what that costs",
        "Root mean squares over units. Start: what the starting value left; sampling: what batches "
        "should leave; lag: what remains beyond both; bias: of the rule; shift: of the test set.",
        table,
        {**means, **variances, "kl_per_unit": "nats", "loss": "nats"},
        "statistics",
        lambda: _layer_costs(table),
        "Left: what each part of the error is worth as a divergence of normal laws, to second "
        "order. Right: the loss that the stored statistics of that norm alone add.",
        "Parts of the error, and cost, of every norm's stored statistics.",
    )


def _by_size(table: pd.DataFrame) -> ModelTable:
    rows = table[table["layer"] == "network"] if len(table) else table
    return ModelTable(
        "batch_noise",
        "What batch noise costs at these weights",
        "R_in: the loss in batches of each size less that under population statistics.",
        rows[["probe_batch_size", "noise_penalty"]],
        {"probe_batch_size": "examples", "noise_penalty": "nats"},
        "noise",
        lambda: _penalties(rows),
        alt="R_in against batch size.",
    )


COLOURS = {
    "start": MEANINGS["own"],
    "bias": MEANINGS["propagation"],
    "sampling": MEANINGS["sampling"],
    "lag": MEANINGS["staleness"],
}
"""Parts of the stored statistics' error; the shift of a test set is none."""


def _layer_costs(table: pd.DataFrame) -> Figure:
    """How far every norm's statistics are off, in parts, and what they add to the loss."""
    figure, grid = grid_of(2, sharex=False)
    figure.set_gid(TALL)
    figure.set_size_inches(9.2, 1.2 + 0.22 * max(len(table), 6))
    places, parts, ends = range(len(table)), grid[0, 0], np.zeros(len(table))
    for part, colour in COLOURS.items():
        sizes = divergence_of(table, part)
        parts.barh(places, sizes, left=ends, color=colour.light, label=part, zorder=2)
        ends = ends + sizes
    loss = table["loss"].astype(float).fillna(0)
    grid[0, 1].barh(places, loss, color=MEANINGS["test loss"].light, zorder=2)
    titles = ("off by, nats per unit", "adds to the loss, nats")
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_yticks(places, [literal(str(name)) for name in table["layer"]])
        axes.invert_yaxis()
        axes.set_title(title)
    legend(parts)
    return figure


def divergence_of(table: pd.DataFrame, part: str) -> Any:
    """What a part of the error is worth as a divergence of normal laws, to second order, in nats
    per unit: half the square of the mean's, a quarter of that of the log variance; `(layers,)`."""
    mean, variance = (
        table[f"{part}_{moment}"].astype(float).fillna(0) for moment in ("mean", "variance")
    )
    return (mean**2 / 2 + variance**2 / 4).to_numpy()


def _penalties(rows: pd.DataFrame) -> Figure:
    figure, grid = grid_of(1)
    axes = grid[0, 0]
    colour = MEANINGS["batch"].light
    axes.plot(rows["probe_batch_size"], rows["noise_penalty"], color=colour, marker="o")
    size_axis(axes, rows["probe_batch_size"], "examples that share a mean")
    axes.set_ylabel("R_in, nats")
    return figure
