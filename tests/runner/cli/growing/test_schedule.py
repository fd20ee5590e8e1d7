"""Intervals at several looks: how the error is shared out, and how often the last one is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import mean_interval
from caviar.runner.cli.growing.schedule import (
    ERROR,
    SHARED,
    counts_of_looks,
    errors_of_looks,
    shared,
    spent,
)
from tests.inference import looks
from tests.inference.laws import LAWS

RUNS = 500


@pytest.mark.parametrize(("first", "most"), [(5, 64), (8, 64), (16, 17), (8, 8), (1, 1000)])
def test_looks_go_from_the_first_to_the_most_and_spend_all(first: int, most: int) -> None:
    counts = counts_of_looks(first, most)
    assert counts[0] == first and counts[-1] == most and counts == sorted(set(counts))
    errors = errors_of_looks(counts, most)
    assert sum(errors) == pytest.approx(shared(most), abs=1e-15) and min(errors) > 0


def test_the_rate_of_spending_is_that_of_kim_and_demets() -> None:
    assert [spent(share, 0.05) for share in (0.0, 0.5, 1.0)] == [0.0, 0.00625, 0.05]
    assert errors_of_looks([32, 64], 64) == pytest.approx([SHARED / 8, 7 * SHARED / 8], abs=1e-15)
    assert [shared(most) for most in (12, 48, 1000)] == [SHARED / 4, SHARED, SHARED]


def test_the_simulated_interval_is_the_one_that_a_look_has() -> None:
    values = LAWS["lognormal"](np.random.default_rng(3), (3, 12))
    low, high = looks._ends(values, 0.0123)
    for row, ends in zip(values, zip(low, high, strict=True), strict=True):
        expected = mean_interval(row, np.random.default_rng(0), level=1 - 0.0123)
        assert ends == pytest.approx(expected[1:3], rel=1e-9)


@pytest.mark.parametrize("law", ["lognormal", "three values"])
def test_the_interval_at_which_a_run_stops_is_wrong_at_most_as_often_as_it_says(law: str) -> None:
    """Whatever width is asked for: a run that stops early, late, or never narrow enough."""
    at_stop, of_any = looks.wrong(LAWS[law], 8, 64, RUNS)
    by_chance = 2 * math.sqrt(ERROR * (1 - ERROR) / RUNS)
    assert at_stop <= ERROR + by_chance
    if law != "lognormal":
        assert of_any <= SHARED + by_chance
