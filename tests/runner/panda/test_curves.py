"""What a screen draws: a lineage's series goes on from its parent's."""

from __future__ import annotations

import numpy as np

from caviar.runner.panda.curves import Curves
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def test_a_series_has_the_points_of_the_parent_before_the_birth() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 30")
    panda.ask("set momentum=0.3 --at 60")
    panda.to_the_end()
    tree, curves = panda.worker.tree, Curves((0, 1))
    for number in (2, 0, 1):  # In whatever order they come.
        for reading in panda.readings_of(number):
            curves.add(reading)
    drawn = curves.series(tree)
    for name in ("loss train train-mode", "accuracy test running", "loss validation population"):
        twin, first, second = (drawn[number, name] for number in range(3))
        assert list(twin.steps) == list(first.steps) == list(second.steps)
        assert twin.steps[-1] == 120
        early, late = twin.steps <= 30, twin.steps > 60
        np.testing.assert_array_equal(twin.values[early], second.values[early])
        middle = ~early & ~late
        np.testing.assert_array_equal(first.values[middle], second.values[middle])
        if name.startswith("loss"):
            assert (first.values[late] != second.values[late]).all()
    assert curves.series(tree) is drawn


def test_layers_are_those_of_the_last_reading_or_of_the_parents() -> None:
    panda = Driven(PLAN)
    panda.ask("pause --at 30")
    panda.rest()
    curves = Curves((0, 1))
    for reading in panda.readings_of(0):
        curves.add(reading)
    panda.ask("set momentum=0.5")
    tree, last = panda.worker.tree, panda.readings_of(0)[-1].layers[0]
    (layer,) = curves.layers(tree, 1)
    assert (layer.layer, layer.variance_error) == ("norm1", last.variance_error.mean())
    assert layer.weight_norm == last.weight_norm.mean()
    assert curves.layers(tree, 0) == (layer,)
