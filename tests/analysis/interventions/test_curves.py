from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.interventions.curves import losses_while_training
from caviar.analysis.statistics.intervals import mean_interval
from tests.analysis.interventions.made import Array, Made, Point, panda

EDITS = [Made(0, 20, "learning_rate = 0.03"), Made(1, 40, "reset dense2"), Made(1, 60, "decay = 0")]


def uneven(point: Point, seeds: int) -> Array:
    place = (point.lineage, point.step, *map(len, (point.split, point.statistics)))
    losses: Array = 2.0 + np.random.default_rng(place).normal(0, 0.1, seeds)
    return losses


def test_every_training_has_its_losses_from_its_edit_on() -> None:
    table = losses_while_training(panda(EDITS, uneven))
    first = table.groupby("lineage")["step"].min().to_dict()
    assert first == {0: 10, 1: 30, 2: 50, 3: 30}  # The last one: from the first of its edits on.
    row = table.query("lineage == 2 and step == 70 and split == 'train'").iloc[0]
    losses = uneven(Point(2, 70, "train", "population"), 8)
    assert row["loss"] == pytest.approx(losses.mean(), abs=1e-12)
    assert row["units"] == 8 and np.isnan(row["low"])


def test_the_last_training_is_told_from_the_twin_with_an_interval() -> None:
    table = losses_while_training(panda(EDITS, uneven))
    test = table.query("lineage == 3 and split == 'test' and statistics == 'running'")
    of = {step: 1 if step <= 60 else 3 for step in test["step"]}
    assert sorted(of) == list(range(30, 101, 10))
    for row in test.itertuples():
        one, twin = (uneven(Point(n, row.step, "test", "running"), 8) for n in (of[row.step], 0))
        interval = mean_interval(one - twin, np.random.default_rng(0))
        assert (row.less_twin, row.low, row.high) == pytest.approx(interval[:3], abs=1e-12)


def test_where_the_twin_is_current_nothing_has_an_interval() -> None:
    table = losses_while_training(panda(EDITS, uneven, moved_to=0))
    assert table["low"].isna().all() and (table.loc[table["lineage"] == 0, "less_twin"] == 0).all()
