"""The rows of each trial's last step, and the losses among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design, facet_of
from caviar.analysis.run.groups import numbered
from caviar.analysis.run.read import Run, last_rows
from caviar.analysis.run.stored.changes import of_trained_size

KEYS = ["facet", "level", "draw", "seed", "trial_id"]


READ = {
    "train_loss": ("loss", "population", "train"),
    "validation_loss": ("loss", "population", "validation"),
    "test_loss": ("loss", "population", "test"),
    "test_accuracy": ("accuracy", "population", "test"),
    "train_mode_loss": ("loss", "batch", "train"),
}
"""The measurement, statistics and split of each value."""


def final(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The rows of each trial's last measured step, with `facet` and `level` columns."""
    rows = last_rows(frame)
    return rows.assign(facet=facet_of(rows, design), level=rows[design.axis].astype(float))


def at_end(run: Run) -> Run:
    """The run as if each trial had been measured only at its last step, except for its curves.

    For a run that was measured many times, this makes tables of the end much faster.
    """
    ends = {name: last_rows(getattr(run, name)) for name in ("evaluations", "statistics", "noise")}
    return replace(run, **ends)


def final_values(run: Run, design: Design) -> pd.DataFrame:
    """One row per seed of a trial: losses and accuracy at the last step, and the noise penalty.

    `generalisation_gap` is test less train loss, both under population statistics.
    `noise_penalty` is train-mode loss less population loss at the same weights, both on the
    training split (SCIENCE: R_in); NaN for networks without batch statistics.
    """
    rows = final(run.evaluations, design)
    rows = rows[rows["statistics"].isin(["population", "batch"])]
    rows = rows[of_trained_size(rows, run.trials)]
    of_row, values = numbered(rows, KEYS)
    for name, (measured, statistics, split) in READ.items():
        here = ((rows["statistics"] == statistics) & (rows["split"] == split)).to_numpy()
        column = np.full(len(values), np.nan)
        column[of_row[here]] = rows[measured].to_numpy()[here]
        values[name] = column
    diverged = ~np.isfinite(values["test_loss"])
    values["test_accuracy"] = values["test_accuracy"].where(~diverged)
    values["generalisation_gap"] = values["test_loss"] - values["train_loss"]
    values["noise_penalty"] = values["train_mode_loss"] - values["train_loss"]
    return values
