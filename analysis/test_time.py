"""Question 2: how good the running statistics are that test time uses."""

from __future__ import annotations

import math

import pandas as pd

from analysis.arms import final, level_means, readings
from analysis.design import Design
from analysis.load import Run
from analysis.running_theory import (
    Keep,
    linear_variance,
    sum_of_squared_epochs,
    sum_of_squares,
)

ERRORS = {
    "mean_error": "error of the running mean, in population deviations",
    "variance_error": "error of the running variance, log ratio",
    "variance_bias": "bias of the running variance, log ratio",
}
RULE = ["rule", "tracker_decay"]


def statistics_error(run: Run, design: Design) -> pd.DataFrame:
    """Errors of every tracker in every layer at the last step, by reading, facet and level."""
    if run.statistics.empty:
        return pd.DataFrame()
    rows = own_decay_as_one(run, final(run.statistics, design))
    parts = [
        level_means(kept, design, quantity, ["layer", *RULE]).assign(
            reading=reading, quantity=quantity
        )
        for reading, kept in readings(run, design, rows).items()
        for quantity in ERRORS
    ]
    return _ordered(parts, ["reading", "quantity"])


def running_damage(run: Run, design: Design) -> pd.DataFrame:
    """Test loss under every tracker less that under population statistics, same weights."""
    rows = own_decay_as_one(run, final(run.evaluations, design))
    rows = rows[rows["split"] == "test"]
    running = rows[rows["statistics"] == "running"]
    if running.empty:
        return pd.DataFrame()
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(running[["trial_id", "seed"]])
    running = running.assign(damage=running["loss"] - exact.reindex(pair).to_numpy())
    parts = [
        level_means(kept, design, "damage", RULE).assign(reading=reading)
        for reading, kept in readings(run, design, running).items()
    ]
    return _ordered(parts, ["reading"])


PARTS = ("sampling", "staleness", "propagation")
REPAIRS = {
    "batch": "the statistics of the evaluated batch",
    "precise": "the mean over an epoch of batch statistics at the final weights",
    "evalnorm": "expected batch statistics given the evaluated example",
}


def error_parts(run: Run, design: Design) -> pd.DataFrame:
    """Every tracker's error taken apart into sampling, staleness and propagation.

    Root mean squares at the last step, of the mean in deviations and of the variance in log
    ratio, by reading, layer, tracker, level and `part`; empty where no shadow was kept.
    `predicted` is theory's sampling error of the mean at these weights, over shuffled epochs.
    """
    columns = [f"{of}_{part}" for of in ("mean", "variance") for part in PARTS]
    if run.statistics.empty or columns[0] not in run.statistics:
        return pd.DataFrame()
    rows = own_decay_as_one(run, final(run.statistics, design))
    rows = rows[rows[columns[0]].notna()]
    if rows.empty:
        return pd.DataFrame()
    found = [
        level_means(kept, design, column, ["layer", *RULE]).assign(
            reading=reading, quantity=column.split("_")[0], part=column.split("_")[1]
        )
        for reading, kept in readings(run, design, rows).items()
        for column in columns
    ]
    table = _ordered(found, ["reading", "quantity", "part"])
    return table.assign(predicted=_sampling_theory(run, design, table))


KEEPS: dict[str, Keep] = {
    "biased": "constant",
    "unbiased": "constant",
    "debiased": "debiased",
    "cumulative": "cumulative",
}

USUAL = {"ghost_update": "first", "ghosts": "random"}
"""What an average sees a step, where theory's sampling error is known."""


def _sampling_theory(run: Run, design: Design, table: pd.DataFrame) -> list[float]:
    """Of the running mean's sampling error where the rule is known, by row; else NaN.

    An update sees one random ghost of m, and the ghosts of an epoch are disjoint; exact for
    weights that stand still, and for the first layer. NaN where ghosts are not so.
    """
    train = int(run.evaluations.loc[run.evaluations["split"] == "train", "examples"].iloc[0])
    batches = run.trials["batch_size"]
    steps = int(run.outcomes["steps"].max())
    usual = all(
        (run.trials[name] == value).all() for name, value in USUAL.items() if name in run.trials
    )
    if batches.nunique() > 1 or design.axis != "norm_batch_size" or not usual:
        return [math.nan] * len(table)
    batch = int(batches.iloc[0])
    per_epoch = train // batch
    epochs, phase = divmod(steps, per_epoch)
    if phase == 0:
        epochs, phase = epochs - 1, per_epoch

    def theory(rule: str, decay: float, m: float) -> float:
        keep = KEEPS.get(rule)
        # Above the batch of an update, examples of other steps join in.
        if keep is None or m > batch or (keep != "cumulative" and math.isnan(decay)):
            return math.nan
        squares = sum_of_squares(keep, decay, steps)
        by_epoch = sum_of_squared_epochs(keep, decay, per_epoch, phase, epochs)
        return math.sqrt(linear_variance(squares, by_epoch, int(m), train))

    sampling = (table["part"] == "sampling") & (table["quantity"] == "mean")
    places = zip(sampling, table["rule"], table["tracker_decay"], table["level"], strict=True)
    return [theory(*place) if known else math.nan for known, *place in places]


def repairs(run: Run, design: Design) -> pd.DataFrame:
    """Test loss under other statistics than running averages, less that under the population's.

    By reading, facet, level and `statistics`: the evaluated batch's own, precise, EvalNorm.
    """
    rows = final(run.evaluations, design)
    rows = rows[rows["split"] == "test"]
    # The trained size only: a `batch` row at another size is another question.
    own = rows["probe_batch_size"] == rows["norm_batch_size"]
    others = rows[rows["statistics"].isin(REPAIRS) & own]
    if others.empty:
        return pd.DataFrame()
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(others[["trial_id", "seed"]])
    others = others.assign(damage=others["loss"] - exact.reindex(pair).to_numpy())
    found = [
        level_means(kept, design, "damage", ["statistics"]).assign(reading=reading)
        for reading, kept in readings(run, design, others).items()
    ]
    return _ordered(found, ["reading"])


def own_decay_as_one(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    """Where the decay was drawn, each trial's own decay is one tracker, not one a trial.

    Its `rule` says so and its `tracker_decay` is empty; decays that all trials share stay.
    """
    if "decay" not in run.study["study"]["nuisance"]:
        return rows
    own = rows["tracker_decay"] == rows["decay"]
    return rows.assign(
        rule=rows["rule"].where(~own, rows["rule"] + ", drawn decay"),
        tracker_decay=rows["tracker_decay"].where(~own),
    )


def _ordered(parts: list[pd.DataFrame], front: list[str]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
