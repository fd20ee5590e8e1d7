"""Runs of which every seed diverged: what diverged, where, and at which rates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.run.read import SETTLED, Run

MOST = 12
"""More groups of trials are counted, not listed."""
DESCRIBES = ("arm", "batch_size", "norm_batch_size", "learning_rate")


def all_diverged(run: Run) -> tuple[str, ...]:
    """A sentence, then one for each learning rate and size; none where a seed stayed finite."""
    ended = run.outcomes[run.outcomes["status"].isin(SETTLED)]
    trials = run.trials.merge(ended, on="trial_id")
    if trials.empty or "diverged_seeds" not in trials:
        return ()
    if any(set(seeds) - set(bad) for seeds, bad in _pairs(trials)):
        return ()
    keys = [name for name in DESCRIBES if name in trials and any(trials[name])]
    trials["seeds_in_all"] = trials["seeds"].map(len)
    trials["step"] = trials["trial_id"].map(_first_steps(run))
    groups = trials.groupby(keys, dropna=False).agg(
        trials=("trial_id", "size"), seeds=("seeds_in_all", "sum"), step=("step", "min")
    )
    lines = [_line(dict(zip(keys, key, strict=True)), row) for key, row in groups.iterrows()]
    more = [f"And {len(lines) - MOST} more combinations."] if len(lines) > MOST else []
    lowest = trials["learning_rate"].min()
    return (
        f"All {len(trials)} trials diverged, with every seed: their losses stopped being finite. "
        f"There is nothing to compare; try learning rates below {lowest:g}.",
        *lines[:MOST],
        *more,
    )


def _pairs(trials: pd.DataFrame) -> list[tuple[list[int], list[int]]]:
    """The seeds of each trial, and those that diverged."""
    bad = trials["diverged_seeds"].map(lambda seeds: [] if seeds is None else list(seeds))
    return list(zip(trials["seeds"], bad, strict=True))


def _first_steps(run: Run) -> pd.Series:
    """The first measured step of each trial at which a loss is not finite."""
    rows = [
        frame.loc[~np.isfinite(frame["loss"]), ["trial_id", "step"]]
        for frame in (run.curves, run.evaluations)
        if "loss" in frame
    ]
    return pd.concat(rows).groupby("trial_id")["step"].min() if rows else pd.Series(dtype=float)


def _line(fields: dict[str, object], row: pd.Series) -> str:
    named = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in fields.items()
    )
    since = "" if pd.isna(row["step"]) else f", first seen at step {row['step']:.0f}"
    trials = "1 trial" if row["trials"] == 1 else f"{row['trials']:.0f} trials"
    return f"{named}: {trials}, {row['seeds']:.0f} seeds{since}."
