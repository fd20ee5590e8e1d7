"""What each edit did: the edited training less the one without that edit, paired over seeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.interventions.readings import QUANTITIES, Place, Readings, readings_of
from caviar.analysis.interventions.tree import TWIN, Tree, tree_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_intervals
from caviar.analysis.statistics.ranges import clipped, range_of_difference
from caviar.analysis.tables.estimates import SEED

Array = NDArray[Any]

EPOCH_AFTER = "one epoch after"
AT_END = "at the end"
EDIT, TOTAL = "edit", "all edits"
SPLITS = ("test", "validation", "train")
STATISTICS = ("population", "running")


class Contrast(NamedTuple):
    """A training, and the one that it is compared with from the end of update `step` on."""

    kind: str
    lineage: int
    against: int
    step: int
    change: str


def contrasts(tree: Tree) -> tuple[Contrast, ...]:
    """Every edit against its parent, then the last training against the twin."""
    each = [Contrast(EDIT, e.lineage, e.parent, e.step, e.change) for e in tree.edits]
    if tree.chain:
        changes = "; ".join(edit.change for edit in tree.chain)
        each.append(Contrast(TOTAL, tree.last, TWIN, tree.chain[0].step, changes))
    return tuple(each)


def effects_of_edits(run: Run) -> pd.DataFrame:
    """Every contrast at one epoch after its edit and at the end, by split, statistics, quantity.

    `run` is read with its edited trainings. A contrast has no row at the end before both of its
    trainings have ended, and none at one epoch after where less than an epoch was left. Seeds at
    which a side is not finite are left out and counted. The total has no row at one epoch after:
    its edits were made at different updates.
    """
    tree, readings = tree_of(run), readings_of(run.readings)
    whole, epoch = int(run.trials["steps"].iloc[0]), updates_per_epoch(run)
    measured = list(_measured(tree, readings, whole, epoch))
    intervals = mean_intervals([one.by_seed for one in measured], SEED)
    rows = [
        {
            **one.place,
            **clipped(interval, _limits(one.place["quantity"]))._asdict(),
            "left_out": len(one.by_seed) - interval.units,
        }
        for one, interval in zip(measured, intervals, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


PLACE = ("kind", "lineage", "against", "step", "change", "when", "read_step")
COLUMNS = [
    *PLACE,
    *("split", "statistics", "quantity", "mean", "low", "high", "units", "left_out"),
]


class Measured(NamedTuple):
    """A difference at each seed, `(seeds,)`, and where it belongs."""

    place: dict[str, Any]
    by_seed: Array


def updates_per_epoch(run: Run) -> int:
    """The updates of a pass over the training split, from the curves of the training."""
    row = run.curves.iloc[-1]
    return max(1, round(float(row["step"]) / float(row["epoch"])))


def _measured(tree: Tree, readings: Readings, whole: int, epoch: int) -> Iterator[Measured]:
    nowhere: frozenset[int] = frozenset()
    for contrast in contrasts(tree):
        sides = tree.trial_of(contrast.lineage), tree.trial_of(contrast.against)
        shared = frozenset.intersection(*(readings.steps.get(side, nowhere) for side in sides))
        for when, step in _moments(contrast, shared, whole, epoch):
            place = {**contrast._asdict(), "when": when, "read_step": step}
            yield from _differences(place, *sides, readings)


def _moments(
    contrast: Contrast, shared: frozenset[int], whole: int, epoch: int
) -> Iterator[tuple[str, int]]:
    """When a contrast is read: an epoch after its edit (or at the next update where both were
    read), and at the last update."""
    after = [step for step in shared if step >= contrast.step + epoch]
    if contrast.kind == EDIT and after:
        yield EPOCH_AFTER, min(after)
    if whole in shared:
        yield AT_END, whole


def _differences(
    place: dict[str, Any], edited: str, other: str, readings: Readings
) -> Iterator[Measured]:
    for split, statistics, quantity in product(SPLITS, STATISTICS, QUANTITIES):
        read = place["read_step"], split, statistics
        one, two = (readings.at(Place(side, *read), quantity) for side in (edited, other))
        if one is not None and two is not None:
            named = {"split": split, "statistics": statistics, "quantity": quantity}
            yield Measured({**place, **named}, one - two)


def _limits(quantity: str) -> tuple[float, float]:
    return range_of_difference("test_accuracy" if quantity == "accuracy" else "test_loss")
