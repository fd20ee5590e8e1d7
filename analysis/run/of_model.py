"""Runs of somebody's own model: one training that was watched, or one audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

MODEL = "model"
"""Key of `study.json` where the rows are of somebody's own model."""


def is_of_model(study: Mapping[str, Any]) -> bool:
    """Whether a run is that of somebody's own model; `study` is the content of `study.json`."""
    return MODEL in study


def with_unfinished(trials: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes, and one called `unfinished` for a training that has none: it still runs or
    was killed."""
    left = trials.loc[~trials["trial_id"].isin(outcomes["trial_id"]), ["trial_id"]]
    if left.empty:
        return outcomes
    unfinished = left.assign(attempt=0, status="unfinished", seconds=float("nan"))
    return unfinished if outcomes.empty else pd.concat([outcomes, unfinished], ignore_index=True)
