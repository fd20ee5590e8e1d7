"""One curve per trial: medians over seeds, few points, three digits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from caviar.analysis.report.explorer.trial_curves import (
    POINTS,
    curve_of,
    curves_by_trial,
    medians,
    validation_rows,
)


def rows(trial: str, step: int, *losses: float) -> pd.DataFrame:
    seeds = range(len(losses))
    return pd.DataFrame({"trial_id": trial, "step": step, "seed": seeds, "loss": losses})


def test_a_curve_is_the_median_over_seeds_that_are_finite() -> None:
    frame = pd.concat(
        [
            *(rows("a", 2, 1.0, 4.0, 2.0), rows("a", 4, 0.5, math.inf, math.nan)),
            rows("b", 2, math.nan, math.inf),
        ]
    )
    curves = curves_by_trial(medians(frame))
    assert curves == {"a": ([2, 4], [2.0, 0.5]), "b": ([2], [None])}


def test_a_long_curve_keeps_both_ends_and_three_digits() -> None:
    steps, losses = np.arange(1, 1001), 1 / np.arange(1, 1001)
    shown, values = curve_of(steps, losses)
    assert len(shown) == POINTS and (shown[0], shown[-1]) == (1, 1000)
    assert values == [float(f"{1 / step:.3g}") for step in shown]
    assert curve_of([], np.array([])) == ([], [])


def test_validation_is_read_under_population_statistics() -> None:
    frame = pd.DataFrame(
        {
            "split": ["validation", "validation", "test"],
            "statistics": ["population", "running", "population"],
            "loss": [1.0, 2.0, 3.0],
        }
    )
    assert validation_rows(frame)["loss"].tolist() == [1.0]
