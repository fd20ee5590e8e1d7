"""What has been read so far, by lineage, as the series and layers that a screen shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from caviar.model.contract import Array
from caviar.runner.panda.record.reading_rows import Row, layer_rows, score_rows
from caviar.runner.panda.training.readings import Reading
from caviar.runner.panda.tree import NONE, Tree
from caviar.runner.panda.view import LayerView, Series

TRAIN_MODE = "loss train train-mode"


class Curves:
    """Values by lineage, name and step, from rows of `readings` and `reading_layers`."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._place = {seed: place for place, seed in enumerate(seeds)}
        self._values: dict[int, dict[str, dict[int, Array]]] = {}
        self._layers: dict[int, dict[int, dict[str, list[Row]]]] = {}
        self._series: dict[tuple[int, str], Series] = {}
        self._drawn: Tree | None = None

    def add(self, reading: Reading) -> None:
        """Take in what was just read."""
        self.add_rows(score_rows(reading), layer_rows(reading))

    def add_rows(self, scores: Iterable[Row], layers: Iterable[Row]) -> None:
        """The same from stored rows."""
        for row in scores:
            of = f"{row['split']} {row['statistics']}"
            self._put(row, f"loss {of}", row["loss"])
            self._put(row, f"accuracy {of}", row["accuracy"])
            if row["train_mode_loss"] is not None:
                self._put(row, TRAIN_MODE, row["train_mode_loss"])
        for row in layers:
            at_step = self._layers.setdefault(row["lineage"], {}).setdefault(row["step"], {})
            at_step.setdefault(row["layer"], []).append(row)
        self._drawn = None

    def _put(self, row: Row, name: str, value: float) -> None:
        by_step = self._values.setdefault(row["lineage"], {}).setdefault(name, {})
        values = by_step.setdefault(row["step"], np.full(len(self._place), np.nan))
        values[self._place[row["seed"]]] = value

    def series(self, tree: Tree) -> Mapping[tuple[int, str], Series]:
        """Every series, a lineage's with its parent's points before it was born."""
        if self._drawn is not tree:
            self._series = {
                (lineage.number, name): _as_series(points)
                for lineage in tree.lineages
                for name, points in self._points(tree, lineage.number).items()
            }
            self._drawn = tree
        return self._series

    def _points(self, tree: Tree, number: int) -> dict[str, dict[int, Array]]:
        lineage, mine = tree.lineages[number], self._values.get(number, {})
        if lineage.parent == NONE:
            return mine
        before = {
            name: {step: values for step, values in points.items() if step <= lineage.born}
            for name, points in self._points(tree, lineage.parent).items()
        }
        return {name: before.get(name, {}) | mine.get(name, {}) for name in before | mine}

    def layers(self, tree: Tree, number: int) -> tuple[LayerView, ...]:
        """The norm layers of a lineage at its last reading, or at its parent's before it."""
        by_step, lineage = self._layers.get(number, {}), tree.lineages[number]
        if not by_step:
            return () if lineage.parent == NONE else self.layers(tree, lineage.parent)
        latest = by_step[max(by_step)]
        columns = LayerView.__dataclass_fields__.keys() - {"layer"}
        return tuple(
            LayerView(layer=layer, **{name: _mean(rows, name) for name in columns})
            for layer, rows in sorted(latest.items())
        )


def _as_series(points: Mapping[int, Array]) -> Series:
    steps = sorted(points)
    return Series(np.array(steps), np.array([points[step] for step in steps]))


def _mean(rows: Sequence[Row], column: str) -> float:
    values = np.array([row[column] for row in rows], float)
    return float(values.mean())
