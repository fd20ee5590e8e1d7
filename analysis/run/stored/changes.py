"""The changes of trials as they are stored, where rows are named or chosen by what was in force."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

SETTING = re.compile(r"(\d+): (\w+) = (\S+)")


class Setting(NamedTuple):
    """A field that a trial sets to a value at the end of a step."""

    step: int
    field: str
    value: str


def settings_of(changes: object) -> list[Setting]:
    """The fields that a trial sets during training, in order; none in a run of before."""
    texts: Iterable[object] = changes if isinstance(changes, (list, tuple, np.ndarray)) else ()
    matches = (SETTING.fullmatch(str(text)) for text in texts)
    return [Setting(int(one[1]), one[2], one[3]) for one in matches if one]


def in_the_end(trials: pd.DataFrame, field: str) -> pd.Series:
    """A field of numbers as it is in force in each trial's last step."""
    ends = trials[field].astype(float)
    for row, changes in (trials["changes"] if "changes" in trials else pd.Series()).items():
        values = [float(one.value) for one in settings_of(changes) if one.field == field]
        if values:
            ends.loc[row] = values[-1]
    return ends


def of_trained_size(rows: pd.DataFrame, trials: pd.DataFrame) -> pd.Series:
    """Whether each of these `evaluations` was measured at the norm batch size that its network was
    trained with in its step: a `batch` row at another size answers another question."""
    trained = rows["norm_batch_size"]
    for trial, changes in _changing(trials):
        for one in (one for one in settings_of(changes) if one.field == "norm_batch_size"):
            later = (rows["trial_id"] == trial) & (rows["step"] > one.step)
            trained = trained.mask(later, int(one.value))
    return pd.Series(rows["probe_batch_size"] == trained)


def _changing(trials: pd.DataFrame) -> list[tuple[str, object]]:
    if "changes" not in trials:
        return []
    pairs = zip(trials["trial_id"], trials["changes"], strict=True)
    return [(trial, changes) for trial, changes in pairs if settings_of(changes)]
