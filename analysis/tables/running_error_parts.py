"""The error of every running average split into parts: sampling, staleness, propagation."""

from __future__ import annotations

import math

import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import facet_of, in_order
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.stored.changes import in_the_end
from caviar.analysis.tables.estimates import each_level_means
from caviar.analysis.tables.running_statistics import RULE, ordered, own_decay_as_one
from caviar.analysis.theory.running_mean import (
    Keep,
    linear_variance,
    sum_of_squared_epochs,
    sum_of_squares,
)

PARTS = ("sampling", "staleness", "propagation")
COLUMNS = [f"{of}_{part}" for of in ("mean", "variance") for part in PARTS]


def error_parts(comparison: Comparison) -> pd.DataFrame:
    """Every tracker's error split into sampling, staleness and propagation.

    Root mean squares at the last step, of the mean in deviations and of the variance in log
    ratio, by reading, layer, tracker, level and `part`; empty where no shadow was kept.
    `predicted` is the sampling error of the mean in theory at these weights, over shuffled epochs.
    """
    run, design = comparison.run, comparison.design
    if run.statistics.empty or COLUMNS[0] not in run.statistics:
        return pd.DataFrame()
    rows = own_decay_as_one(run, final(run.statistics, design))
    rows = rows[rows[COLUMNS[0]].notna()]
    if rows.empty:
        return pd.DataFrame()
    means = [
        means.assign(reading=reading, quantity=column.split("_")[0], part=column.split("_")[1])
        for reading, kept in comparison.readings(rows).items()
        for column, means in each_level_means(
            kept, design, COLUMNS, ["layer", *RULE], reading
        ).items()
    ]
    table = ordered(means, ["reading", "quantity", "part"])
    return table.assign(predicted=_sampling_theory(comparison, table))


KEEPS: dict[str, Keep] = {
    "biased": "constant",
    "unbiased": "constant",
    "debiased": "debiased",
    "cumulative": "cumulative",
}

SAMPLED = {"ghost_update": "first", "ghosts": "random"}
"""The ghosts that an average sees per step, where theory's sampling error is known."""


def _sampling_theory(comparison: Comparison, table: pd.DataFrame) -> list[float]:
    """The theoretical sampling error of the running mean by row; NaN where it is not known.

    Each update sees one random ghost of m, and the ghosts of an epoch are disjoint; exact for
    frozen weights and for the first layer. NaN for other rules and other ghosts.
    """
    run = comparison.run
    train = comparison.training_examples
    batches = run.trials["batch_size"]
    steps = int(run.outcomes["steps"].max())
    usual = all(
        (run.trials[name] == value).all() for name, value in SAMPLED.items() if name in run.trials
    )
    if batches.nunique() > 1 or comparison.design.axis != "norm_batch_size" or not usual:
        return [math.nan] * len(table)
    batch = int(batches.iloc[0])
    per_epoch = train // batch
    epochs, phase = divmod(steps, per_epoch)
    if phase == 0:
        epochs, phase = epochs - 1, per_epoch

    def theory(rule: str, decay: float, m: float) -> float:
        keep = KEEPS.get(rule)
        # A norm batch larger than that of the update also holds examples of other steps.
        if keep is None or m > batch or (keep != "cumulative" and math.isnan(decay)):
            return math.nan
        squares = sum_of_squares(keep, decay, steps)
        by_epoch = sum_of_squared_epochs(keep, decay, per_epoch, phase, epochs)
        return math.sqrt(linear_variance(squares, by_epoch, int(m), train))

    sampling = (table["part"] == "sampling") & (table["quantity"] == "mean")
    places = zip(sampling, table["rule"], table["tracker_decay"], table["level"], strict=True)
    return [theory(*place) if known else math.nan for known, *place in places]


USUAL = "unbiased"


def error_parts_over_time(comparison: Comparison) -> pd.DataFrame:
    """The same for the rule `unbiased` at the study's own decay, at every measured step.

    Each size at the draw that it chose (`Comparison.told`), with one row per step, layer, level,
    quantity and part. Empty with one step, or without a shadow.
    """
    run, design = comparison.over_time, comparison.design
    rows, decays = run.statistics, in_the_end(run.trials, "decay")
    if rows.empty or COLUMNS[0] not in rows or decays.nunique() > 1:
        return pd.DataFrame()
    usual = (rows["rule"] == USUAL) & (rows["tracker_decay"] == decays.iloc[0])
    rows = rows[usual & rows[COLUMNS[0]].notna()]
    if rows["step"].nunique() < 2:
        return pd.DataFrame()
    rows = rows.assign(facet=facet_of(rows, design), level=rows[design.axis].astype(float))
    rows, told = comparison.told_rows(rows), comparison.told
    means = [
        of_column.assign(quantity=column.split("_")[0], part=column.split("_")[1])
        for column, of_column in each_level_means(
            rows, design, COLUMNS, ["step", "layer"], told
        ).items()
    ]
    return ordered(means, ["quantity", "part"])


def of_one_size(table: pd.DataFrame) -> pd.DataFrame:
    """The mean's parts by `memory` in the last layer at the middle size, rule `unbiased`.

    From `error_parts`, with one row per decay and part. Empty below three decays.
    """
    if table.empty:
        return pd.DataFrame()
    rows = table[(table["rule"] == USUAL) & (table["quantity"] == "mean")]
    rows = rows[rows["tracker_decay"].notna()]
    if rows["tracker_decay"].nunique() < 3:
        return pd.DataFrame()
    levels = sorted(rows["level"].unique())
    last = in_order(rows["layer"])[-1]
    rows = rows[(rows["layer"] == last) & (rows["level"] == levels[len(levels) // 2])]
    return rows.assign(memory=1 / (1 - rows["tracker_decay"])).reset_index(drop=True)
