"""Choices: their arithmetic, the options that count, and ends that mirror each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.choice import (
    Choice,
    choice_interval,
    chosen_interval,
    lowest_of,
)
from caviar.analysis.statistics.intervals import Interval

A = np.array([[3.0, 1.0], [5.0, 2.0], [4.0, 0.0], [4.0, 1.5], [6.0, 0.5]])
B = np.array([[2.0, 2.5, 9.0], [2.2, 2.4, 9.5], [1.8, 2.6, 8.0], [2.0, 2.1, 9.0], [2.0, 2.9, 7.0]])
FIXED = np.array([1.0, 2.0, 3.0, 4.0, 6.0])


def interval(choice: Choice, level: float = 0.95) -> Interval:
    return choice_interval(choice, np.random.default_rng(0), level=level)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (lowest_of(A), 1.0),
        (lowest_of(A) - lowest_of(B), 1.0 - 2.0),
        (lowest_of(A) - FIXED, 1.0 - 3.2),
        (FIXED - lowest_of(A), 3.2 - 1.0),
        (FIXED - lowest_of(A) - 0.5 * (FIXED - lowest_of(B)), (3.2 - 1.0) - 0.5 * (3.2 - 2.0)),
        (lowest_of(A) * -2.0 + FIXED, 3.2 - 2.0),
    ],
)
def test_a_choice_adds_up_as_its_best_options_do(choice: Choice, expected: float) -> None:
    assert interval(choice).mean == pytest.approx(expected)


def test_a_choice_among_one_is_students_interval() -> None:
    t = stats.ttest_rel(A[:, 0], FIXED).confidence_interval(0.95)
    got = interval(lowest_of(A[:, :1]) - FIXED)
    assert (got.low, got.high, got.units) == pytest.approx((t.low, t.high, 5))


def test_minus_a_choice_has_the_mirrored_interval() -> None:
    choice = lowest_of(A) - lowest_of(B)
    one, mirrored = interval(choice), interval(-choice)
    assert (one.low, one.high) == pytest.approx((-mirrored.high, -mirrored.low))


def test_more_options_on_one_side_cost_on_one_side_only() -> None:
    # Columns of equal length about equal means: options that tie in the sample as well.
    noise = np.random.default_rng(5).normal(size=(8, 4))
    options = np.linalg.qr(noise - noise.mean(axis=0))[0]
    zero = np.zeros(8)
    many, alone = interval(zero - lowest_of(options)), interval(zero - lowest_of(options[:, :1]))
    assert many.low < 1.3 * alone.low < 0  # "above" pays for the three others
    assert many.high == pytest.approx(alone.high)  # "below" needs each of them, and pays nothing


def test_an_option_that_diverged_in_a_unit_cannot_be_the_best() -> None:
    options = A.copy()
    options[2, 1] = math.nan
    assert interval(lowest_of(options)).mean == pytest.approx(4.4)
    everywhere = options.copy()
    everywhere[2, 0] = math.nan
    assert interval(lowest_of(everywhere)).units == 4
    assert math.isnan(interval(lowest_of(everywhere)).low)


def test_the_chosen_option_is_read_with_the_price_of_all() -> None:
    got = chosen_interval(B, 1, np.random.default_rng(0))
    plain = stats.t.isf(0.025, 4) * B[:, 1].std(ddof=1) / math.sqrt(5)
    assert got.mean == pytest.approx(B[:, 1].mean())
    assert got.high - got.mean == pytest.approx(got.mean - got.low)
    assert plain < got.high - got.mean < 3 * plain
    lost = B.copy()
    lost[0, 0] = math.nan
    assert chosen_interval(lost, 1, np.random.default_rng(0)).units == 5
    assert chosen_interval(lost, 0, np.random.default_rng(0)).units == 4
