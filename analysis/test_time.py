"""Question 2: how good the running statistics are that test time uses."""

from __future__ import annotations

import pandas as pd

from analysis.arms import final, level_means, readings
from analysis.design import Design
from analysis.load import Run
from analysis.theory import variance_of_batch_deviation, variance_of_batch_mean

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
    rows = _own_decay_as_one(run, final(run.statistics, design))
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
    rows = _own_decay_as_one(run, final(run.evaluations, design))
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


def _own_decay_as_one(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
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


def batch_noise(run: Run, design: Design) -> pd.DataFrame:
    """Measured variance of batch mean and deviation at the last step beside the closed forms.

    A row a layer and probed size, over all trials; both divided by the population variance.
    """
    if run.noise.empty:
        return pd.DataFrame()
    rows = final(run.noise, design)
    rows = rows[rows["mean_variance"].notna()]
    if rows.empty:
        return pd.DataFrame()
    sizes = run.evaluations[run.evaluations["split"] == "train"]
    examples = int(sizes["examples"].iloc[0])
    table = rows.groupby(["layer", "probe_batch_size"], as_index=False).agg(
        measured_mean=("mean_variance", "mean"),
        measured_deviation=("deviation_variance", "mean"),
        excess_kurtosis=("excess_kurtosis", "mean"),
        networks=("mean_variance", "size"),
    )
    m = table["probe_batch_size"]
    table["predicted_mean"] = variance_of_batch_mean(m, examples)
    table["predicted_deviation"] = variance_of_batch_deviation(
        m, examples, table["excess_kurtosis"]
    )
    return table


def _ordered(parts: list[pd.DataFrame], front: list[str]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
