"""The losses of a run that may still be written: each part file is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from caviar.analysis.report.explorer.trial_curves import (
    medians,
    model_rows,
    validation_rows,
)
from caviar.analysis.run.stored.location import Place, each_part

WHO = ("trial_id", "attempt")
LOSSES = ["trial_id", "attempt", "seed", "step", "loss"]


class Kept(NamedTuple):
    """What is kept of a table: which columns are read, and what is made of each part."""

    columns: list[str] | None
    made: Callable[[pa.Table], pd.DataFrame]


def _rows(part: pa.Table) -> pd.DataFrame:
    return part.to_pandas()


def _train(part: pa.Table) -> pd.DataFrame:
    return medians(_rows(part), WHO).to_frame()


def _validation(part: pa.Table) -> pd.DataFrame:
    return medians(validation_rows(_rows(part)), WHO).to_frame()


def _of_model(part: pa.Table) -> pd.DataFrame:
    return medians(model_rows(_rows(part)), WHO).to_frame()


KEPT = {
    "trials": Kept(None, _rows),
    "outcomes": Kept(["trial_id", "attempt", "status"], _rows),
    "curves": Kept(LOSSES, _train),
    "evaluations": Kept([*LOSSES, "split", "statistics"], _validation),
}

KEPT_OF_MODEL = {**KEPT, "evaluations": KEPT["evaluations"]._replace(made=_of_model)}
"""The same of the run of a model, whose probe stands for the validation split."""

Parts = Mapping[str, Mapping[str, pd.DataFrame]]
"""By table and by the name of a part, what was made of it."""


class Followed(NamedTuple):
    """A run so far: its plan, the last status of each trial, and losses by trial and step."""

    trials: pd.DataFrame
    status: dict[str, str]
    train: pd.Series
    validation: pd.Series


def further(place: Place, parts: Parts, kept: Mapping[str, Kept] = KEPT) -> Parts:
    """The parts that are there now; those that `parts` holds are not read again."""
    return {
        table: each_part(place, table, of_table.columns, of_table.made, parts.get(table, {}))
        for table, of_table in kept.items()
    }


def followed(parts: Parts) -> Followed:
    """What the parts say together; of every trial the latest attempt counts."""
    trials = _whole(parts["trials"])
    outcomes = _whole(parts["outcomes"])
    status = {}
    if len(outcomes):
        latest = outcomes.sort_values("attempt").drop_duplicates("trial_id", keep="last")
        status = dict(zip(latest["trial_id"], latest["status"], strict=True))
    return Followed(trials, status, _latest(parts["curves"]), _latest(parts["evaluations"]))


def _whole(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts.values(), ignore_index=True) if parts else pd.DataFrame()


def _latest(parts: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Losses by trial and step, in order of steps, of each trial's latest attempt."""
    filled = [part for part in parts.values() if len(part)]
    if not filled:
        empty = pd.MultiIndex.from_arrays([[], []], names=["trial_id", "step"])
        return pd.Series([], index=empty, dtype=float)
    losses = pd.concat(filled)["loss"].reset_index()
    newest = losses.groupby("trial_id")["attempt"].transform("max")
    losses = losses[losses["attempt"] == newest].sort_values(["trial_id", "step"], kind="stable")
    return losses.set_index(["trial_id", "step"])["loss"]
