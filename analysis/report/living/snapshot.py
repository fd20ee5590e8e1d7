"""A run at an instant, as its living page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.figures.palette import VARIABLES, ink, of_size
from caviar.analysis.report.explorer.explorer import NOT_SETTINGS, plain_value, table_of
from caviar.analysis.report.explorer.trial_curves import POINTS, curve_of, curves_by_trial
from caviar.analysis.report.living.followed import Followed

MOST_TRIALS = 500
"""Trials that a living page lists: those that have begun come first."""

MOST_LINES = 12
"""A field with more values is not drawn, a line per value."""

FIRST = ("norm_batch_size", "arm", "norm", "batch_size")
"""By which field curves are drawn at first, where it differs between trials."""

SIZES = ("norm_batch_size", "batch_size")


def snapshot(state: Mapping[str, Any], run: Followed) -> dict[str, Any]:
    """What the page shows of a run: its `state` as `caviar status` gives it, and its curves."""
    if run.trials.empty:
        return {**state, "groups": {}, "explorer": None}
    status = {**dict.fromkeys(state["running_trials"], "running"), **run.status}
    ids = run.trials["trial_id"].unique().tolist()
    begun = [trial for trial in ids if trial in status]
    shown = [*begun, *(trial for trial in ids if trial not in status)][:MOST_TRIALS]
    curves = {
        "train": curves_by_trial(_of(run.train, shown)),
        "validation": curves_by_trial(_of(run.validation, shown)),
    }
    return {
        **state,
        "second": "loss of the probe" if state.get("model") else "validation loss",
        "groups": _groups(run),
        "explorer": table_of(run.trials, shown, status, curves, str(state["run"])),
    }


def _of(losses: pd.Series, trials: list[str]) -> pd.Series:
    return losses[losses.index.get_level_values("trial_id").isin(trials)]


def _groups(run: Followed) -> dict[str, Any]:
    """For every field with few values, a line per value: its name, colour, number of trials, and
    the median over trials of their curves."""
    trials = run.trials.drop_duplicates("trial_id").set_index("trial_id")
    fields = [name for name in trials.columns if name not in NOT_SETTINGS]
    fields = [name for name in fields if 1 < trials[name].map(str).nunique() <= MOST_LINES]
    fields.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return {name: _lines(trials[name], run) for name in fields} or {"": _lines(None, run)}


def _lines(values: pd.Series | None, run: Followed) -> list[list[Any]]:
    if values is None:
        return [["every trial", VARIABLES[ink(0)], _median(run.train), _median(run.validation)]]
    lines = []
    plain = values.map(plain_value)
    for i, value in enumerate(sorted(plain.unique(), key=_order)):
        trials = plain.index[plain == value].tolist()
        colour = of_size(float(value)) if values.name in SIZES else ink(i)
        train, validation = (_median(_of(losses, trials)) for losses in (run.train, run.validation))
        lines.append([str(value), VARIABLES[colour], train, validation])
    return lines


def _order(value: float | int | str) -> tuple[bool, float, str]:
    """Numbers by size, then texts."""
    text = isinstance(value, str)
    return (text, 0.0 if text else float(value), str(value))


def _median(losses: pd.Series) -> Any:
    """The median over trials in `POINTS` stretches of updates, each named by its last update.

    Within a stretch a trial counts once, with the median of what was measured there.
    """
    if losses.empty:
        return curve_of([], losses.to_numpy())
    steps = losses.index.get_level_values("step").to_numpy()
    measured = np.unique(steps)
    places = np.linspace(0, len(measured) - 1, min(POINTS, len(measured))).round().astype(int)
    ends = measured[places]
    stretch = ends[np.searchsorted(ends, steps)]
    of_trial = losses.groupby([stretch, losses.index.get_level_values("trial_id")]).median()
    middle = of_trial.groupby(level=0).median()
    return curve_of(middle.index, middle.to_numpy())
