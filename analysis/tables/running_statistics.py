"""Question 2: how accurate the running statistics are that test time uses."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run
from caviar.analysis.tables.estimates import level_means

ERRORS = {
    "mean_error": "error of the running mean, in population deviations",
    "variance_error": "error of the running variance, log ratio",
    "variance_bias": "bias of the running variance, log ratio",
}
RULE = ["rule", "tracker_decay"]


def statistics_error(comparison: Comparison) -> pd.DataFrame:
    """Errors of every tracker in every layer at the last step, by reading, facet and level."""
    run, design = comparison.run, comparison.design
    if run.statistics.empty:
        return pd.DataFrame()
    rows = own_decay_as_one(run, final(run.statistics, design))
    parts = [
        level_means(kept, design, quantity, ["layer", *RULE], reading).assign(
            reading=reading, quantity=quantity
        )
        for reading, kept in comparison.readings(rows).items()
        for quantity in ERRORS
    ]
    return ordered(parts, ["reading", "quantity"])


def running_damage(comparison: Comparison) -> pd.DataFrame:
    """Test loss under every tracker less that under population statistics, same weights."""
    run, design = comparison.run, comparison.design
    rows = own_decay_as_one(run, final(run.evaluations, design))
    rows = rows[rows["split"] == "test"]
    running = rows[rows["statistics"] == "running"]
    if running.empty:
        return pd.DataFrame()
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(running[["trial_id", "seed"]])
    running = running.assign(damage=running["loss"] - exact.reindex(pair).to_numpy())
    parts = [
        level_means(kept, design, "damage", RULE, reading).assign(reading=reading)
        for reading, kept in comparison.readings(running).items()
    ]
    return ordered(parts, ["reading"])


REPAIRS = {
    "batch": "the statistics of the evaluated batch",
    "precise": "the mean over an epoch of batch statistics at the final weights",
    "evalnorm": "expected batch statistics given the evaluated example",
}


def repairs(comparison: Comparison) -> pd.DataFrame:
    """Test loss under other statistics than running averages, less that under the population's.

    By reading, facet, level and `statistics`: the evaluated batch's own, precise, EvalNorm.
    """
    design = comparison.design
    rows = final(comparison.run.evaluations, design)
    rows = rows[rows["split"] == "test"]
    # Only the trained size: a `batch` row at another size answers another question.
    trained = rows["probe_batch_size"] == rows["norm_batch_size"]
    others = rows[rows["statistics"].isin(REPAIRS) & trained]
    if others.empty:
        return pd.DataFrame()
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(others[["trial_id", "seed"]])
    others = others.assign(damage=others["loss"] - exact.reindex(pair).to_numpy())
    parts = [
        level_means(kept, design, "damage", ["statistics"], reading).assign(reading=reading)
        for reading, kept in comparison.readings(others).items()
    ]
    return ordered(parts, ["reading"])


def own_decay_as_one(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    """Where the decay was drawn, the trials' own decays are one tracker, not one per trial.

    Its `rule` says so and its `tracker_decay` is empty; decays that all trials share stay.
    """
    if "decay" not in run.study["study"]["nuisance"]:
        return rows
    drawn = rows["tracker_decay"] == rows["decay"]
    return rows.assign(
        rule=rows["rule"].where(~drawn, rows["rule"] + ", drawn decay"),
        tracker_decay=rows["tracker_decay"].where(~drawn),
    )


def ordered(parts: list[pd.DataFrame], front: list[str]) -> pd.DataFrame:
    """The parts as one frame, the columns of `front` first."""
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
