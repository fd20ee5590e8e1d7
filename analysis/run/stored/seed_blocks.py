"""A run that got further seeds: blocks of seeds of one network are read as one trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

BLOCKS = "blocks"
"""Key of `study.json` in a run that got further seeds."""

JOIN = "+"
"""Between the identities of the trials that are read as one."""

NAMES = ("trial_id", "seeds")
ADDED = ("seconds", "probe_seconds", "rows")
WORST = {"status": "diverged", "invariants": "failed"}


def joined_names(trials: pd.DataFrame, settled: Sequence[str]) -> dict[str, str]:
    """By the name of each settled trial that has further blocks of seeds, the name of them all.

    Trials are blocks of one network if every field but their seeds is the same.
    """
    ended = trials[trials["trial_id"].isin(settled)]
    fields = ended.drop(columns=list(NAMES)).map(str).agg("\x1f".join, axis=1)
    names: dict[str, str] = {}
    for _, blocks in ended.groupby(fields, sort=False)["trial_id"]:
        if len(blocks) > 1:
            names |= dict.fromkeys(blocks, JOIN.join(blocks))
    return names


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Measurements under the names of the joined trials."""
    if frame.empty or not names:
        return frame
    return frame.assign(trial_id=frame["trial_id"].map(lambda name: names.get(name, name)))


def joined_trials(trials: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """One row for each joined trial, where its first block stood, with the seeds of all."""
    frame = renamed(trials, names)
    seeds = frame.groupby("trial_id", sort=False)["seeds"].agg(_concatenated)
    first = frame.drop_duplicates("trial_id").drop(columns="seeds")
    columns = list(trials.columns)
    return first.merge(seeds, on="trial_id", how="left")[columns].reset_index(drop=True)


def joined_outcomes(outcomes: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """One row for each joined trial: its last block's, with the time, rows and diverged seeds of
    all, and the worst of their ends."""
    frame = renamed(outcomes, names)
    groups = frame.groupby("trial_id", sort=False)
    joined = frame.drop_duplicates("trial_id", keep="last").set_index("trial_id")
    for column in frame.columns.intersection(ADDED):
        joined[column] = groups[column].sum()
    for column, worst in WORST.items():
        if column in frame:
            any_bad = (frame[column] == worst).groupby(frame["trial_id"]).any()
            joined[column] = joined[column].mask(any_bad.reindex(joined.index), worst)
    if "diverged_seeds" in frame:
        joined["diverged_seeds"] = groups["diverged_seeds"].agg(_concatenated)
    return joined.reset_index()[list(outcomes.columns)]


def _concatenated(each: pd.Series) -> list[Any]:
    return [value for values in each if values is not None for value in values]
