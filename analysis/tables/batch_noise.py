"""The noise of batch statistics at frozen weights, and its cost in training loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.final_rows import final
from caviar.analysis.statistics.intervals import mean_intervals
from caviar.analysis.statistics.ranges import clipped, range_of
from caviar.analysis.tables.estimates import SEED, each_level_means, level_means
from caviar.analysis.theory.batch_statistics import (
    coupling,
    noise_of_x_hat,
    variance_of_batch_deviation,
    variance_of_batch_mean,
)

NETWORK = "network"
"""The layer name of measurements of the network as a whole."""

PENALTIES = {
    "noise_penalty": "R_in: train-mode less population loss",
    "external_penalty": "R_ext: the same with the statistics of other examples",
    "self_influence": "R_in - R_ext",
    "predicted_self_influence": "R_in - R_ext as one backward pass predicts it",
}


PRECISION = {"penalty_partitions": "partitions", "self_influence_error": "standard_error"}
"""The columns that say how precisely one network's self-influence is measured."""

MEASURED = {
    "mean": "mean_variance",
    "deviation": "deviation_variance",
    "noise_to_signal": "noise_to_signal",
    "coupling": "coupling",
}
"""The quantities that theory predicts, and the columns that measure them."""


def batch_noise(comparison: Comparison) -> pd.DataFrame:
    """The noise of statistics and examples at the last step, measured and predicted.

    One row per reading, layer and probed size, over all trials of the reading: variance of batch
    mean and deviation in units of the population variance, noise-to-signal ratio of an example,
    and the share of the Jacobian's energy between examples. `low_` and `high_` are the ends of
    each measurement's interval over units; `left_out` counts networks that diverged, failed or are
    missing.
    """
    rows = _last(comparison)
    rows = rows[rows["mean_variance"].notna()] if len(rows) else rows
    if rows.empty:
        return pd.DataFrame()
    parts = [
        _of_reading(comparison, kept, reading).assign(reading=reading)
        for reading, kept in comparison.readings(rows).items()
        if len(kept)
    ]
    return _ordered(parts, ["reading"])


def _of_reading(comparison: Comparison, rows: pd.DataFrame, reading: str) -> pd.DataFrame:
    """`batch_noise` over the networks of one reading."""
    design = comparison.design
    # Sum in one order, whatever the order in which trials ended.
    rows = rows.sort_values(["trial_id", "seed"])
    known = {name: column for name, column in MEASURED.items() if column in rows}
    groups = rows.groupby(["layer", "probe_batch_size"])
    table = groups.agg(**{f"measured_{name}": (column, "mean") for name, column in known.items()})
    for name, column in known.items():
        units = [part.groupby(design.unit)[column].mean().to_numpy() for _, part in groups]
        limits = range_of(f"measured_{name}")
        intervals = [clipped(one, limits) for one in mean_intervals(units, SEED)]
        table[f"low_{name}"] = [interval.low for interval in intervals]
        table[f"high_{name}"] = [interval.high for interval in intervals]
    table["excess_kurtosis"] = groups["excess_kurtosis"].mean()
    table["networks"] = groups.size()
    planned = _planned(design, rows, reading)
    table["left_out"] = (planned - table["networks"]).clip(lower=0)
    return _with_theory(table.reset_index(), comparison.training_examples)


def _planned(design: Design, rows: pd.DataFrame, reading: str) -> int:
    """The networks that these arms have; under the best draw, one for each seed that is read."""
    arms = set(zip(rows["facet"], rows["level"], strict=True))
    if reading == EVERY_DRAW:
        return sum(n for place, n in design.planned.items() if place in arms)
    return len(arms) * int(rows["seed"].nunique())


def _with_theory(table: pd.DataFrame, examples: int) -> pd.DataFrame:
    m, kurtosis = table["probe_batch_size"], table["excess_kurtosis"]
    return table.assign(
        predicted_mean=variance_of_batch_mean(m, examples),
        predicted_deviation=variance_of_batch_deviation(m, examples, kurtosis),
        predicted_noise_to_signal=noise_of_x_hat(m, examples, kurtosis),
        predicted_coupling=coupling(m, kurtosis),
    )


class Farthest(NamedTuple):
    """The point of a panel at which measurement and theory differ most."""

    layer: str
    size: float
    predicted: float
    measured: float

    @property
    def excess(self) -> float:
        """Measured over predicted, less 1."""
        return self.measured / self.predicted - 1


def farthest(table: pd.DataFrame, which: str) -> Farthest | None:
    """Where a quantity of `MEASURED` is farthest from its prediction, as a ratio.

    None where no point has two positive values.
    """
    predicted, measured = table[f"predicted_{which}"], table[f"measured_{which}"]
    known = (predicted > 0) & (measured > 0) & np.isfinite(predicted) & np.isfinite(measured)
    if not known.any():
        return None
    apart = np.log(measured[known] / predicted[known]).abs()
    row = table.loc[apart.idxmax()]
    size = float(row["probe_batch_size"])
    return Farthest(str(row["layer"]), size, float(predicted[row.name]), float(measured[row.name]))


def penalties(comparison: Comparison) -> pd.DataFrame:
    """Penalty at every probed size of networks trained at every level, with its parts.

    The matrix R(m at evaluation; m at training), by reading, facet, level (the size trained
    with), `probe_batch_size` (the size at evaluation) and quantity. `partitions` and
    `standard_error` are means over networks: how many partitions one network's penalties are
    averages over, and the standard error over them of its measured self-influence. Empty where
    the levels are not norm batch sizes.
    """
    rows = _last(comparison)
    if "noise_penalty" not in rows:
        return pd.DataFrame()
    # The penalty of a diverged network is not finite: it is left out and counted.
    rows = rows[(rows["layer"] == NETWORK) & (rows["batches"] > 0)]
    if rows.empty or (rows["level"] != rows["norm_batch_size"]).any():
        return pd.DataFrame()
    readings = comparison.readings(rows)
    parts = [
        means.assign(reading=reading, quantity=quantity)
        for reading, kept in readings.items()
        for quantity, means in each_level_means(
            kept,
            comparison.design,
            [name for name in PENALTIES if name in kept and kept[name].notna().any()],
            ["probe_batch_size"],
            reading,
        ).items()
    ]
    table = _with_precision(_ordered(parts, ["reading", "quantity"]), readings)
    # A size that leaves no second batch has no R_ext: its networks do not count as left out.
    return table[table["units"] > 0].reset_index(drop=True)


def _with_precision(table: pd.DataFrame, readings: dict[str, pd.DataFrame]) -> pd.DataFrame:
    keys = ["facet", "level", "probe_batch_size"]
    means = [
        rows.groupby(keys)[[c for c in PRECISION if c in rows]].mean().assign(reading=reading)
        for reading, rows in readings.items()
    ]
    of_network = pd.concat(means).rename(columns=PRECISION).reset_index()
    return table.merge(of_network, "left", on=["reading", *keys])


def at_own_size(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `penalties` at the size that each network was trained with."""
    return table[table["probe_batch_size"] == table["level"]] if len(table) else table


def gradient_noise(comparison: Comparison) -> pd.DataFrame:
    """Share of the variance of a step's gradient that lies between partitions into ghosts.

    By reading, facet and level; only where it was measured.
    """
    rows = _last(comparison)
    if rows.empty or "partition_variance" not in rows:
        return pd.DataFrame()
    rows = rows[rows["partition_variance"].notna()]
    rows = rows.assign(partition_share=rows["partition_variance"] / rows["gradient_variance"])
    if rows.empty:
        return pd.DataFrame()
    parts = [
        level_means(kept, comparison.design, "partition_share", [], reading).assign(reading=reading)
        for reading, kept in comparison.readings(rows).items()
    ]
    return _ordered(parts, ["reading"])


def _last(comparison: Comparison) -> pd.DataFrame:
    run = comparison.run
    return final(run.noise, comparison.design) if len(run.noise) else run.noise


def _ordered(parts: list[pd.DataFrame], front: list[str]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
