"""Losses while training, one curve per trial: the median over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

POINTS = 32
"""Of more steps so many are drawn, evenly apart."""

Curve = tuple[list[int], list[float | None]]
"""Steps, and the loss at each; None where no seed has a finite one."""


def medians(rows: pd.DataFrame, keys: Sequence[str] = ("trial_id",)) -> pd.Series:
    """The median of `loss` over seeds with a finite one, by `keys` and step."""
    finite = rows["loss"].where(np.isfinite(rows["loss"]))
    return finite.groupby([*(rows[key] for key in keys), rows["step"]]).median()


def validation_rows(evaluations: pd.DataFrame) -> pd.DataFrame:
    """The rows of the validation split under population statistics."""
    return _population_rows(evaluations, "validation")


def model_rows(evaluations: pd.DataFrame) -> pd.DataFrame:
    """The same of a watched model, which has no validation split: of its test examples, and
    where it has none of those that it trains on."""
    test = _population_rows(evaluations, "test")
    return test if len(test) else _population_rows(evaluations, "train")


def _population_rows(evaluations: pd.DataFrame, split: str) -> pd.DataFrame:
    population = evaluations["statistics"] == "population"
    return evaluations[population & (evaluations["split"] == split)]


def curves_by_trial(losses: pd.Series) -> dict[str, Curve]:
    """The curve of every trial, from losses by trial and step."""
    trials = losses.index.get_level_values(0)
    return {
        str(trial): curve_of(of_trial.index.get_level_values(-1), of_trial.to_numpy())
        for trial, of_trial in losses.groupby(trials, sort=False)
    }


def curve_of(steps: Any, losses: NDArray[Any]) -> Curve:
    """A curve of at most `POINTS` points and three digits, the first and last step among them."""
    last = len(losses) - 1
    places = np.unique(np.linspace(0, last, min(POINTS, len(losses))).round().astype(int))
    shown = [float(f"{losses[i]:.3g}") if np.isfinite(losses[i]) else None for i in places]
    return [int(steps[i]) for i in places], shown
