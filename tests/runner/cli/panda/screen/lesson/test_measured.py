"""What claims read: the right lineage, the right step, the same seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from caviar.analysis.statistics.intervals import mean_interval
from caviar.runner.cli.panda.screen.contrast import SEED
from caviar.runner.cli.panda.screen.lesson.measured import (
    Point,
    at_or_before,
    both,
    edit_of,
    first_after,
    last,
    mean_over_layers,
    paired,
)
from caviar.runner.panda.view import LineageView
from tests.runner.cli.panda.screen.lesson.views import view_with

NAME = "loss train population"
VIEW = view_with(
    "80: decay = 0.999", {(1, NAME): {80: 3, 84: 2, 88: 1}, (0, NAME): {80: 3, 84: 2.5}}
)


def test_an_edit_is_the_last_of_the_current_line_with_its_words() -> None:
    further = LineageView(2, 1, 100, "100: recompute running statistics", 120, "training")
    aside = LineageView(3, 0, 90, "90: learning_rate = 1.0", 90, "parked")
    view = replace(VIEW, lineages=(*VIEW.lineages, further, aside), current=2)
    numbers = [
        edit and edit.number for edit in (edit_of(view, w) for w in ("decay", "recompute", "rate"))
    ]
    assert numbers == [1, 2, None]


def test_readings_are_taken_at_their_steps() -> None:
    def step_of(point: Point | None) -> int | None:
        return point and point.step

    assert step_of(at_or_before(VIEW, 1, NAME, 87)) == 84
    assert step_of(at_or_before(VIEW, 1, NAME, 79)) is None
    assert step_of(first_after(VIEW, 1, NAME, 84)) == 88
    assert step_of(first_after(VIEW, 1, NAME, 88)) is None
    assert step_of(last(VIEW, 1, NAME)) == 88
    assert last(VIEW, 1, "loss test running") is None


def test_both_are_read_at_the_step_of_the_one_behind() -> None:
    pair = both(VIEW, NAME)
    assert pair is not None and [point.step for point in pair] == [84, 84]
    drawn = np.random.default_rng(SEED)
    assert paired(*pair) == mean_interval(pair[0].values - pair[1].values, drawn)


def test_a_mean_leaves_out_what_is_not_finite() -> None:
    assert Point(1, np.array([1, np.inf, 3, np.nan])).mean == 2
    assert np.isnan(Point(1, np.array([np.nan])).mean)


def test_layers_are_averaged() -> None:
    view = view_with("80: decay = 0.999", {}, {1: {"mean_error": 0.5}})
    assert mean_over_layers(view, 1, "mean_error") == 0.5
    assert np.isnan(mean_over_layers(view, 0, "mean_error"))
