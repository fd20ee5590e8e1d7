"""What the page's table of trials is made from: each with its settings, its end and its curves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from caviar.analysis.report.explorer.trial_curves import (
    Curve,
    curves_by_trial,
    medians,
    validation_rows,
)
from caviar.analysis.run.read import Run

MOST = 100
"""Trials on a page of a report: all of thousands would make it too large to send."""

NOT_SETTINGS = ("trial_id", "seeds", "dataset_fingerprint")
NO_CURVE: Curve = ([], [])


def explorer_of(run: Run, ranked: pd.DataFrame) -> dict[str, Any]:
    """The trials of a run for its page, in the order of a ranking, then those that it lacks."""
    order = ranked["trial_id"].tolist() if len(ranked) else []
    ids = [*order, *(t for t in run.trials["trial_id"].unique() if t not in set(order))]
    shown = ids[:MOST]
    train = run.curves[run.curves["trial_id"].isin(shown)]
    tests = run.evaluations[run.evaluations["trial_id"].isin(shown)]
    status = dict(zip(run.outcomes["trial_id"], run.outcomes["status"], strict=True))
    curves = {
        "train": {} if train.empty else curves_by_trial(medians(train)),
        "validation": {} if tests.empty else curves_by_trial(medians(validation_rows(tests))),
    }
    return table_of(run.trials, shown, status, curves, str(run.where))


def table_of(
    trials: pd.DataFrame,
    shown: Sequence[str],
    status: Mapping[str, str],
    curves: Mapping[str, Mapping[str, Curve]],
    where: str,
) -> dict[str, Any]:
    """The trials named in `shown`, in that order, out of all planned ones.

    `curves` has the losses `train` and `validation` by trial; a trial without a `status` is not
    yet tried. Fields that all trials share are given once, as texts.
    """
    known = trials.drop_duplicates("trial_id").set_index("trial_id")
    fields = [name for name in known.columns if name not in NOT_SETTINGS]
    varied = [name for name in fields if known[name].map(str).nunique() > 1]
    rows = known.loc[list(shown), varied]
    return {
        "where": where,
        "total": len(known),
        "fields": varied,
        "fixed": {n: _text(known[n].iloc[0]) for n in fields if n not in varied and len(known)},
        "trials": [
            [
                trial,
                status.get(trial, "not yet tried"),
                list(map(plain_value, values)),
                curves["train"].get(trial, NO_CURVE),
                curves["validation"].get(trial, NO_CURVE),
            ]
            for trial, values in zip(rows.index, rows.itertuples(index=False), strict=True)
        ],
    }


def plain_value(value: Any) -> float | int | str:
    """A setting as a number where it is one, in four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _text(value)
    if pd.isna(value):
        return ""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _text(value: Any) -> str:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and pd.isna(value):
        return ""
    return "" if value is None else str(value)


def as_json(data: Mapping[str, Any]) -> str:
    """Compact JSON; raises ValueError for a number that JSON lacks."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)
