"""The losses of every training while it ran, and how far the last one is from the twin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.interventions.effects import SPLITS, STATISTICS
from caviar.analysis.interventions.readings import Place, Readings, readings_of
from caviar.analysis.interventions.tree import TWIN, Tree, tree_of
from caviar.analysis.run.paired import mean_of_finite
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_intervals
from caviar.analysis.tables.estimates import SEED

Array = NDArray[Any]

COLUMNS = ["lineage", "step", "split", "statistics", "loss", "less_twin", "low", "high", "units"]


class Read(NamedTuple):
    """The losses of a training at a place, `(seeds,)`, and those less the twin's."""

    lineage: int
    place: Place
    losses: Array
    less_twin: Array


def losses_while_training(run: Run) -> pd.DataFrame:
    """The mean loss of every training at each update that was read, by split and statistics.

    A training has rows from its own edit on; the last one has them from the first of its edits on,
    since what it was before its own edit are the trainings that it came from. `less_twin` is the
    mean paired difference from the twin, whose interval the last training's test rows have.
    """
    tree, readings = tree_of(run), readings_of(run.readings)
    rows = list(_rows(tree, readings))
    told = [row for row in rows if row.lineage == tree.last != TWIN and row.place.split == "test"]
    intervals = mean_intervals([row.less_twin for row in told], SEED)
    ends = {row.place: one for row, one in zip(told, intervals, strict=True)}
    return pd.DataFrame([_described(row, tree, ends) for row in rows], columns=COLUMNS)


def _described(row: Read, tree: Tree, ends: dict[Place, Any]) -> dict[str, Any]:
    interval = ends.get(row.place) if row.lineage == tree.last else None
    return {
        "lineage": row.lineage,
        "step": row.place.step,
        "split": row.place.split,
        "statistics": row.place.statistics,
        "loss": float(mean_of_finite(row.losses)),
        "less_twin": float(mean_of_finite(row.less_twin)),
        "low": interval.low if interval else float("nan"),
        "high": interval.high if interval else float("nan"),
        "units": int(np.isfinite(row.losses).sum()),
    }


def _rows(tree: Tree, readings: Readings) -> Iterator[Read]:
    for lineage, trial, steps in _stretches(tree, readings):
        for step, split, statistics in product(steps, SPLITS, STATISTICS):
            place = Place(trial, step, split, statistics)
            losses = readings.at(place, "loss")
            twin = readings.at(place._replace(trial_id=tree.twin), "loss")
            if losses is not None:
                nothing = np.full(losses.shape, np.nan)
                yield Read(lineage, place, losses, nothing if twin is None else losses - twin)


def _stretches(tree: Tree, readings: Readings) -> Iterator[tuple[int, str, list[int]]]:
    """Each training with the updates at which it was read; the last one from its first edit on."""
    every = [TWIN, *(edit.lineage for edit in tree.edits)]
    for lineage in every:
        trial = tree.trial_of(lineage)
        yield lineage, trial, sorted(readings.steps.get(trial, ()))
    for edit, after in zip(tree.chain, tree.chain[1:], strict=False):
        steps = readings.steps.get(edit.trial_id, frozenset())
        yield tree.last, edit.trial_id, sorted(step for step in steps if step <= after.step)
