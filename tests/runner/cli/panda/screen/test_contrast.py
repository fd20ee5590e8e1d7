"""Panda minus twin: paired over seeds, at the last step that both have, never on test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import mean_interval
from caviar.runner.cli.panda.screen.contrast import KINDS, SEED, other_of, readings
from caviar.runner.panda.view import Series
from tests.runner.cli.panda.screen.made import edited

LOSS = "loss validation running"


def test_the_difference_is_that_of_the_same_seeds_at_the_last_shared_step() -> None:
    view = edited().view()
    panda, twin = (view.series[number, LOSS] for number in (1, 0))
    behind = {**view.series, (0, LOSS): Series(twin.steps[:-3], twin.values[:-3])}
    reading = readings(replace(view, series=behind), 0)[LOSS]
    assert reading.step == twin.steps[-4]
    paired = panda.values[-4] - twin.values[-4]
    assert reading.difference == mean_interval(paired, np.random.default_rng(SEED))
    assert reading.panda - reading.other == pytest.approx(reading.difference.mean)


def test_a_seed_that_diverged_in_either_model_is_in_no_difference() -> None:
    view = edited().view()
    panda = view.series[1, LOSS]
    panda.values[-1, 3] = np.nan
    reading = readings(view, 0)[LOSS]
    assert reading.difference.units == 7
    assert np.isfinite(reading.panda)


def test_the_test_split_is_never_shown() -> None:
    view = edited().view()
    more = {**view.series, (0, "loss test running"): view.series[0, LOSS]}
    assert not [name for name in readings(replace(view, series=more), 0) if "test" in name]
    assert len(KINDS) == 5


def test_nothing_is_compared_before_both_are_read() -> None:
    view = edited().view()
    only = {key: series for key, series in view.series.items() if key[0] == 1}
    assert readings(replace(view, series=only), 0) == {}


def test_the_parent_is_the_model_without_the_last_edit() -> None:
    panda = edited()
    panda.ask("set learning_rate=0.05", "screen")
    assert other_of(panda.view(), to_parent=True) == 1
    assert other_of(panda.view(), to_parent=False) == 0
    panda.ask("select 0", "screen")
    assert other_of(panda.view(), to_parent=True) == 0
