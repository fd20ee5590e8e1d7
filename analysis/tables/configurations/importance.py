"""Which drawn field of a search matters: permutation importance over a random forest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.read import Run
from caviar.analysis.tables.configurations.drawn import drawn_fields, is_search, positions
from caviar.analysis.tables.estimates import SEED

FEWEST_TRIALS = 20
"""Of fewer trials a forest learns nothing that could be told from luck."""

RESAMPLES = 30
TREES = 30
ENDS = (2.5, 97.5)
"""Percentiles over resamples: the middle 95 %."""

BEST_SHARE, FEWEST_BEST = 0.1, 5
"""Edges are judged by the best tenth of the trials, at least five."""

EDGE = 0.1
"""At the edge: within this share of the range, on the scale that it was drawn on."""

COLUMNS = ["field", "mean", "low", "high", "lowest", "highest", "best", "edge"]
EXPLAINED = "all fields together"
"""The row that says how much the forest explains at trials which it has not seen."""


def field_importance(comparison: Comparison, ranked: pd.DataFrame) -> pd.DataFrame:
    """How much each drawn field of a search says about validation loss, the most important first.

    A random forest (Breiman 2001) learns the log of each trial's mean validation loss from the
    places of its fields, on a resample of the trials. At the trials left out, the values of one
    field are shuffled: `mean` is what that adds to the squared error, as a share of the variance,
    over `RESAMPLES` resamples; `low` and `high` hold the middle 95 % of these. The first row is
    the share that the forest explains with all fields. `edge` is `low` or `high` where the best
    tenth of the trials lie at an end of the range of a field that matters (`low` above zero).
    Nothing is said about importance where fewer than `FEWEST_TRIALS` trials ended finite, or all
    with one loss. Empty where nothing was searched.
    """
    known = finite(ranked)
    if not is_search(comparison) or known.empty:
        return pd.DataFrame(columns=COLUMNS)
    run, fields = comparison.whole, drawn_fields(comparison.whole)
    trials = settings(run, known)
    places = np.column_stack([positions(run, name, trials[name]) for name in fields])
    drops = np.full((1, len(fields) + 1), np.nan)
    losses = np.log(known["mean"].to_numpy(dtype=float))
    if len(known) >= FEWEST_TRIALS and np.ptp(losses) > 0:
        drops = np.array(list(_drops(places, losses)))
    low, high = np.percentile(drops, ENDS, axis=0)
    best = best_count(len(known))
    table = pd.DataFrame(
        {
            "field": [EXPLAINED, *fields],
            **{"mean": drops.mean(axis=0), "low": low, "high": high},
            "lowest": [np.nan, *(trials[name].min() for name in fields)],
            "highest": [np.nan, *(trials[name].max() for name in fields)],
            "best": [np.nan, *(trials[name].iloc[0] for name in fields)],
            "edge": ["", *(_edge(place, best) for place in places.T)],
        }
    )
    table["edge"] = table["edge"].where(table["low"] > 0, "")
    rest = table[1:].sort_values("mean", ascending=False, kind="stable")
    return pd.concat([table[:1], rest], ignore_index=True)[COLUMNS]


def finite(ranked: pd.DataFrame) -> pd.DataFrame:
    """The trials of a ranking whose seeds all have a finite loss above zero."""
    if ranked.empty:
        return ranked
    return ranked[(ranked["diverged_seeds"] == 0) & (ranked["mean"] > 0)]


def settings(run: Run, ranked: pd.DataFrame) -> pd.DataFrame:
    """The configs of the trials of a ranking, in its order."""
    return run.trials.drop_duplicates("trial_id").set_index("trial_id").loc[ranked["trial_id"]]


def best_count(trials: int) -> int:
    """How many of the trials count as the best ones."""
    return max(FEWEST_BEST, round(BEST_SHARE * trials))


def _drops(places: NDArray[Any], target: NDArray[Any]) -> Iterator[list[float]]:
    """Per resample, the share explained at trials left out, then what each field adds to it."""
    from sklearn.ensemble import RandomForestRegressor

    generator = np.random.default_rng(SEED)
    count = len(target)
    for seed in range(RESAMPLES):
        learnt = generator.integers(count, size=count)
        left_out = np.setdiff1d(np.arange(count), learnt)
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=seed)
        forest.fit(places[learnt], target[learnt])
        shuffled = np.tile(places[left_out], (places.shape[1] + 1, 1, 1))
        for i in range(places.shape[1]):
            shuffled[i + 1, :, i] = generator.permutation(shuffled[i + 1, :, i])
        predicted = forest.predict(shuffled.reshape(-1, places.shape[1]))
        errors = ((predicted.reshape(len(shuffled), -1) - target[left_out]) ** 2).mean(axis=1)
        errors = errors / target.var()
        yield [1 - errors[0], *(errors[1:] - errors[0])]


def _edge(places: NDArray[Any], best: int) -> str:
    """At which end the best trials lie, the first ones: by the middle one of them."""
    middle = float(np.median(places[:best]))
    return "low" if middle <= EDGE else "high" if middle >= 1 - EDGE else ""
