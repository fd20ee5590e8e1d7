"""Choices: their arithmetic, and what must lie on one side before the best of them does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.run.choice import Choice, lowest_of
from caviar.analysis.scorecard.claim import ABOVE_ZERO
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.verdicts import OPPOSITE, SEEN, interval_of, p_value
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.estimates import SEED

NOISE = np.random.default_rng(3).normal(scale=0.1, size=(6, 5))
A, B = NOISE[:, :2] + [1.0, 3.0], NOISE[:, 2:] + [0.0, 0.5, 9.0]
FIXED = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 2.0])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (lowest_of(A, 1), A[:, 1]),
        (lowest_of(A, 1) - lowest_of(B, 0), A[:, 1] - B[:, 0]),
        (FIXED - lowest_of(A, 0), FIXED - A[:, 0]),
        (
            FIXED - lowest_of(A, 1) - 0.5 * (FIXED - lowest_of(B, 2)),
            FIXED - A[:, 1] - 0.5 * (FIXED - B[:, 2]),
        ),
    ],
)
def test_a_choice_adds_up_as_its_chosen_options_do(choice: Choice, expected: np.ndarray) -> None:
    assert choice.at_chosen == pytest.approx(expected)


def test_the_interval_reaches_over_all_that_may_be_the_best() -> None:
    """A's chosen option is its worse one: "above" must hold for the better one too."""
    choice = lowest_of(A, 1) - lowest_of(B, 0)
    got = interval_of(choice)
    assert got.mean == pytest.approx((A[:, 1] - B[:, 0]).mean())

    def single(i: int, j: int) -> tuple[float, float]:
        return mean_interval(A[:, i] - B[:, j], np.random.default_rng(SEED))[1:3]

    assert got.low == pytest.approx(single(0, 0)[0])
    assert got.high == pytest.approx(single(1, 0)[1])
    mirrored = interval_of(-choice)
    assert mirrored.mean == pytest.approx(-got.mean)
    assert (mirrored.low, mirrored.high) == pytest.approx((-got.high, -got.low), abs=0.02)


def test_the_p_value_is_that_of_the_option_nearest_to_the_other_side() -> None:
    claim = replace(CLAIMS[0], region=ABOVE_ZERO, smallest=0.0)
    choice = lowest_of(A, 1) - lowest_of(B, 0)
    assert p_value(choice, SEEN, claim) == pytest.approx(p_value(A[:, 0] - B[:, 0], SEEN, claim))
    assert p_value(choice, OPPOSITE, claim) == 1.0


def test_an_option_that_diverged_is_not_the_best_unless_it_was_chosen() -> None:
    options = B.copy()
    options[2, 1] = math.nan
    assert len(lowest_of(options, 2).from_below) == 2
    assert lowest_of(options, 2).at_chosen == pytest.approx(B[:, 2])
    assert np.isnan(lowest_of(options, 1).at_chosen).sum() == 1
