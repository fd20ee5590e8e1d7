"""What the claims of a lesson read from a view: values of every seed, and paired intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.analysis.statistics.intervals import Interval, mean_interval
from caviar.model.contract import Array
from caviar.runner.cli.panda.screen.contrast import SEED
from caviar.runner.panda.view import LineageView, View


class Point(NamedTuple):
    """One quantity of one lineage at one step: `values` is `(replicas,)`."""

    step: int
    values: Array

    @property
    def mean(self) -> float:
        """The mean over the seeds that are finite."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite.mean()) if len(finite) else float("nan")


def edit_of(view: View, words: str) -> LineageView | None:
    """The last edit of the current lineage or of its ancestors whose change has these words."""
    lineage = view.lineages[view.current]
    while lineage.number:
        if words in lineage.change:
            return lineage
        lineage = view.lineages[lineage.parent]
    return None


def at_or_before(view: View, lineage: int, name: str, step: int) -> Point | None:
    """The last reading of a quantity that is not later than a step."""
    series = view.series.get((lineage, name))
    if series is None or not len(series.steps) or series.steps[0] > step:
        return None
    index = int(np.searchsorted(series.steps, step, side="right")) - 1
    return Point(int(series.steps[index]), np.asarray(series.values[index]))


def last(view: View, lineage: int, name: str) -> Point | None:
    """The last reading of a quantity."""
    return at_or_before(view, lineage, name, view.steps)


def first_after(view: View, lineage: int, name: str, step: int) -> Point | None:
    """The first reading of a quantity that is later than a step."""
    series = view.series.get((lineage, name))
    if series is None or not len(series.steps) or series.steps[-1] <= step:
        return None
    index = int(np.searchsorted(series.steps, step, side="right"))
    return Point(int(series.steps[index]), np.asarray(series.values[index]))


def paired(one: Point, other: Point) -> Interval:
    """Mean and interval of one minus the other, over the seeds that are finite in both."""
    return mean_interval(one.values - other.values, np.random.default_rng(SEED))


def both(view: View, name: str) -> tuple[Point, Point] | None:
    """Panda and twin at the last step at which both were read."""
    panda = last(view, view.current, name)
    twin = None if panda is None else at_or_before(view, 0, name, panda.step)
    if panda is None or twin is None:
        return None
    panda = at_or_before(view, view.current, name, twin.step)
    return None if panda is None or panda.step != twin.step else (panda, twin)


def mean_over_layers(view: View, lineage: int, field: str) -> float:
    """The mean of a layer's quantity over all norm layers; NaN where there is none."""
    values = [getattr(layer, field) for layer in view.layers.get(lineage, ())]
    return float(np.mean(values)) if values else float("nan")
