"""The panda against the model that it is compared with, paired over seeds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import Interval, mean_intervals
from caviar.runner.panda.view import Series, View

Array = NDArray[Any]

KINDS = (
    "train train-mode",
    "train population",
    "train running",
    "validation population",
    "validation running",
)
"""What is shown: the split and the statistics that normalise, as a view names them. Never the test
split: who looks at it while deciding has none left."""

METRICS = ("loss", "accuracy")

SEED = 16
"""Of the resamples of an interval, so that it is the same at every redraw."""


class Reading(NamedTuple):
    """One quantity at the last step at which both models were read."""

    step: int
    panda: float
    """Mean over seeds."""
    other: float
    difference: Interval
    """Panda minus other, over the seeds at which both are finite."""


def other_of(view: View, to_parent: bool) -> int:
    """Which lineage the current one is held against: its parent, or the twin that nobody edits."""
    current = view.lineages[view.current]
    return current.parent if to_parent and current.number else 0


def name_of(other: int) -> str:
    """What the other model is called: it is the twin or the parent."""
    return "parent" if other else "twin"


def readings(view: View, other: int) -> dict[str, Reading]:
    """Every quantity that both lineages have at one step, by its name in the view."""
    shared = {}
    for name in (f"{metric} {kind}" for metric in METRICS for kind in KINDS):
        pair = view.series.get((view.current, name)), view.series.get((other, name))
        if (values := _last_of_both(*pair)) is not None:
            shared[name] = values
    differences = [panda - twin for _, panda, twin in shared.values()]
    intervals = mean_intervals(differences, SEED)
    return {
        name: Reading(step, _mean(panda), _mean(twin), interval)
        for (name, (step, panda, twin)), interval in zip(shared.items(), intervals, strict=True)
    }


def _last_of_both(panda: Series | None, other: Series | None) -> tuple[int, Array, Array] | None:
    """The last step that both have, and the values of every seed there."""
    if panda is None or other is None:
        return None
    steps, one, two = np.intersect1d(panda.steps, other.steps, return_indices=True)
    if not len(steps):
        return None
    return int(steps[-1]), panda.values[one[-1]], other.values[two[-1]]


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
