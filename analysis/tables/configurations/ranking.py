"""Which configuration is best: trials ranked by validation, and the winner's curse."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.draws import split_seeds
from caviar.analysis.run.read import Run, last_rows, trained_whole
from caviar.analysis.statistics.intervals import mean_intervals
from caviar.analysis.tables.estimates import SEED

BEST_FIRST = {"validation_loss": 1, "validation_accuracy": -1}
"""What a configuration may be chosen by, and the sign with which less is better."""

QUANTITY = {"validation_loss": "validation loss", "validation_accuracy": "validation accuracy"}

INTERVALS = 100
"""As many of the first rows get intervals: of thousands of trials nobody reads the last."""


def ranking(run: Run, by: str = "validation_loss") -> pd.DataFrame:
    """Every trial that trained to its end, the best first: `by` at its last step, and the test set
    beside it.

    Means over seeds, under population statistics, with 95 % intervals. A trial with a diverged
    seed comes after all others. `choosing_rank` is the rank by the seeds that choose
    (`split_seeds`) alone; `other_mean` is `by` at the other seeds, which `choosing_rank` does not
    flatter. Both are empty with one seed. Raises ValueError for another `by`.
    """
    run = trained_whole(run)
    values = seed_values(run, _known(by))
    if values.empty:
        return pd.DataFrame()
    choosing, reading = split_seeds(sorted(values["seed"].unique()))
    apart = len(reading) < values["seed"].nunique()
    wide = {name: _by_seed(values, name) for name in (by, "test_loss", "test_accuracy")}
    sign = BEST_FIRST[by]
    order = _order(wide[by], sign)
    table = pd.DataFrame({"rank": np.arange(1, len(order) + 1), "trial_id": order})
    for name, prefix in ((by, ""), ("test_loss", "test_")):
        table = table.join(_intervals(wide[name].loc[order], prefix))
    table["test_accuracy"] = _means(wide["test_accuracy"].loc[order])
    table["seeds"] = np.isfinite(wide[by].loc[order]).sum(axis=1).to_numpy()
    table["diverged_seeds"] = wide[by].shape[1] - table["seeds"]
    if apart:
        places = {t: i + 1 for i, t in enumerate(_order(wide[by][list(choosing)], sign))}
        table["choosing_rank"] = table["trial_id"].map(places)
        table = table.join(_intervals(wide[by].loc[order, list(reading)], "other_", "other_mean"))
    else:
        table = table.assign(choosing_rank=np.nan, other_mean=np.nan, other_low=np.nan)
        table["other_high"] = np.nan
    return table.merge(_varied(run), on="trial_id", how="left")


def seed_values(run: Run, by: str) -> pd.DataFrame:
    """`by`, test loss and accuracy at the last step: one row per trial and seed."""
    rows = last_rows(run.evaluations)
    rows = rows[rows["statistics"] == "population"]
    keys = ["trial_id", "seed"]
    split, _, quantity = by.partition("_")
    columns = {
        by: _values(rows, split, quantity),
        "test_loss": _values(rows, "test", "loss"),
        "test_accuracy": _values(rows, "test", "accuracy"),
    }
    values = pd.DataFrame(columns).reset_index()
    return values.assign(**{by: values[by].where(np.isfinite(values["test_loss"]))})[
        [*keys, *columns]
    ]


def _values(rows: pd.DataFrame, split: str, quantity: str) -> pd.Series:
    return rows[rows["split"] == split].set_index(["trial_id", "seed"])[quantity]


def _by_seed(values: pd.DataFrame, name: str) -> pd.DataFrame:
    """One row per trial, one column per seed; NaN where it diverged."""
    wide = values.pivot(index="trial_id", columns="seed", values=name)
    return wide.where(np.isfinite(wide))


def _order(wide: pd.DataFrame, sign: int) -> pd.Index:
    """Trials from the best mean on; one with a diverged seed is worse than all others."""
    worst = (sign * wide).mean(axis=1).where(wide.notna().all(axis=1), np.inf)
    more = (sign * wide).mean(axis=1)  # Among those that diverged, too.
    ranked = pd.DataFrame({"whole": worst, "rest": more}).sort_values(
        ["whole", "rest"], kind="stable"
    )
    return ranked.index


def _means(wide: pd.DataFrame) -> Any:
    return wide.mean(axis=1).to_numpy()


def _intervals(wide: pd.DataFrame, prefix: str, mean: str = "") -> pd.DataFrame:
    """Mean and interval of every row, `(trials, seeds)`, for the first rows only."""
    values = wide.to_numpy(dtype=float)
    ends = np.full((len(values), 2), np.nan)
    for i, one in enumerate(mean_intervals(values[:INTERVALS], SEED)):
        ends[i] = one.low, one.high
    columns = {mean or f"{prefix}mean": _means(wide)}
    return pd.DataFrame({**columns, f"{prefix}low": ends[:, 0], f"{prefix}high": ends[:, 1]})


def _varied(run: Run) -> pd.DataFrame:
    """The fields that differ between trials."""
    fields = [
        name
        for name in run.trials.columns
        if name not in ("trial_id", "seeds", "draw") and run.trials[name].map(str).nunique() > 1
    ]
    return run.trials[["trial_id", *fields]].drop_duplicates("trial_id")


def _known(by: str) -> str:
    if by in BEST_FIRST:
        return by
    near = get_close_matches(by, BEST_FIRST, n=1, cutoff=0.0)[0]
    test = " Choosing by the test set leaves nothing to judge the choice by." * by.startswith(
        "test"
    )
    raise ValueError(
        f"a configuration is chosen by {' or '.join(BEST_FIRST)}, not by {by!r}; "
        f"did you mean {near!r}?{test}"
    )
