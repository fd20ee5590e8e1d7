"""Rows of one trial computed twice: which value differs first, and the largest difference."""

from __future__ import annotations

import math
from typing import Any

import pytest

from caviar.runner.verify.differences import by_key, difference, distance

COLUMNS: dict[str, list[Any]] = {
    "trial_id": ["t", "t"],
    "attempt": [0, 0],
    "seed": [1, 1],
    "step": [1, 2],
    "loss": [0.5, math.nan],
}


def test_the_first_difference_is_named_and_the_largest_of_all_measured() -> None:
    then = by_key("curves", COLUMNS)
    assert difference("curves", then, by_key("curves", COLUMNS)) is None
    now = by_key("curves", {**COLUMNS, "loss": [0.5 + 2e-7, math.nan]})
    parted = difference("curves", then, now)
    assert parted is not None and parted.largest == pytest.approx(2e-7)
    assert parted.first == f"curves (1, 1): loss was 0.5 and is {0.5 + 2e-7!r} now"


def test_a_column_that_was_added_later_is_no_difference() -> None:
    """Rows that were written before have null in it."""
    then = by_key("curves", {**COLUMNS, "added": [None, None]})
    assert difference("curves", then, by_key("curves", {**COLUMNS, "added": [1, 2]})) is None
    lost = by_key("curves", {**COLUMNS, "added": [None, None], "loss": [0.25, math.nan]})
    assert difference("curves", lost, by_key("curves", {**COLUMNS, "added": [1, 2]}))


def test_rows_that_are_missing_are_more_than_last_digits() -> None:
    then = by_key("curves", COLUMNS)
    parted = difference("curves", then, dict(list(then.items())[:1]))
    assert parted is not None and math.isinf(parted.largest)


@pytest.mark.parametrize(
    ("value", "again", "apart"),
    [
        (2000.0, 2001.0, 1 / 2001),
        ([1.0, 0.25], [1.0, 0.5], 0.25),
        ([1.0], [1.0, 2.0], math.inf),
        (math.nan, math.nan, 0.0),
        (math.nan, 1.0, math.inf),
        ("test", "train", math.inf),
    ],
)
def test_values_are_apart_in_units_of_the_larger(value: Any, again: Any, apart: float) -> None:
    assert distance(value, again) == pytest.approx(apart)
