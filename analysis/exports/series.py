"""What other tools take from a run: every network with its settings and its series of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.read import Run
from caviar.analysis.run.stored.changes import of_trained_size

OF_CURVES = (
    *("loss", "gradient_norm", "weight_norm"),
    *("effective_learning_rate", "scheduled_learning_rate"),
)
LAST = ("validation/loss/population", "test/loss/population", "test/accuracy/population")
"""The series whose last values other tools compare runs by."""


class Point(NamedTuple):
    """One number of a series, such as `test/loss/population`, after `step` updates."""

    series: str
    step: int
    value: float


class Network(NamedTuple):
    """One seed of a trial: its settings, how the trial ended, and all its points in order."""

    trial_id: str
    seed: int
    settings: dict[str, Any]
    status: str
    points: list[Point]

    @property
    def last(self) -> dict[str, float]:
        """The last values of the series that runs are compared by."""
        return {p.series: p.value for p in self.points if p.series in LAST}


def networks(run: Run) -> Iterator[Network]:
    """Every network of a run that was measured.

    Series are called `SPLIT/QUANTITY/READER`, where a running average as a reader is
    `running/RULE/DECAY`, and `training/QUANTITY` for what is logged during training.
    """
    settings = run.trials.drop_duplicates("trial_id").set_index("trial_id").drop(columns="seeds")
    status = run.outcomes.set_index("trial_id")["status"]
    points = pd.concat([_of_curves(run.curves), _of_evaluations(run)])
    points = points.sort_values(["trial_id", "seed", "series", "step"], kind="stable")
    for (trial, seed), rows in points.groupby(["trial_id", "seed"], sort=False):
        numbers = zip(rows["series"], rows["step"].tolist(), rows["value"].tolist(), strict=True)
        given = {key: _plain(value) for key, value in settings.loc[trial].items()}
        row = {key: value for key, value in given.items() if value is not None and value == value}
        yield Network(str(trial), int(seed), row, str(status[trial]), [Point(*p) for p in numbers])


KEYS = ["trial_id", "seed", "step"]


def _of_curves(curves: pd.DataFrame) -> pd.DataFrame:
    if curves.empty:
        return pd.DataFrame(columns=[*KEYS, "series", "value"])
    long = curves.melt(KEYS, list(OF_CURVES), var_name="series")
    return long.assign(series="training/" + long["series"])


def _of_evaluations(run: Run) -> pd.DataFrame:
    """Losses and accuracies; of batches, those of the size trained with."""
    rows = run.evaluations
    rows = rows[(rows["statistics"] != "batch") | of_trained_size(rows, run.trials)]
    reader = rows["statistics"].where(
        rows["tracker"] == "", rows["statistics"] + "/" + rows["tracker"]
    )
    long = rows.assign(reader=reader).melt([*KEYS, "split", "reader"], ["loss", "accuracy"])
    series = long["split"] + "/" + long["variable"] + "/" + long["reader"]
    return long.assign(series=series)[[*KEYS, "series", "value"]]


def _plain(value: Any) -> Any:
    """A value of a config as Python's own."""
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value
