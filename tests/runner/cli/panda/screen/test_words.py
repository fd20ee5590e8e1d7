"""Numbers of a narrow screen, and when it may call the panda better."""

from __future__ import annotations

from math import nan

import pytest

from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.terminal_width import wrapped
from caviar.runner.cli.panda.screen.contrast import Reading
from caviar.runner.cli.panda.screen.words import difference, sentence, short


@pytest.mark.parametrize(
    ("interval", "metric", "told"),
    [
        (Interval(-0.01234, -0.0205, -0.0041, 8), "loss", "−0.0123 [−0.0205, −0.0041]"),
        (Interval(0.5, -0.1, 1.1, 8), "loss", "+0.50 [−0.10, 1.10]"),
        (Interval(0.02, 0.0004, 0.04, 8), "loss", "+0.020 [0.0004, 0.040]"),
        (Interval(-1.2e-6, -3.4e-6, 1e-6, 8), "loss", "−1.2e−06 [−3.4e−06, 1.0e−06]"),
        (Interval(-0.00012, -0.0003, -0.00005, 8), "loss", "−0.00012 [−0.00030, −0.00005]"),
        (Interval(0.0144, 0.0127, 0.0157, 8), "accuracy", "+1.44 [1.27, 1.57]"),
        (Interval(0, 0, 0, 8), "loss", "0"),
        (Interval(0.031, nan, nan, 3), "loss", "+0.031 [too few]"),
        (Interval(nan, nan, nan, 0), "loss", "none finite"),
    ],
)
def test_an_interval_in_the_digits_that_are_known(
    interval: Interval, metric: str, told: str
) -> None:
    assert difference(interval, metric) == told
    assert len(told) <= 29


def test_levels_fit_their_columns() -> None:
    assert short(0.98765, "accuracy") == "98.8"
    assert short(0.0123456) == "0.0123"
    assert short(nan, "accuracy") == "?"
    assert short(0.000334) == "3.3e−04" and short(0.00334) == "0.00334"


def told(interval: Interval, metric: str = "loss", seeds: int = 8) -> str:
    return sentence(Reading(400, 1, 1, interval), metric, "validation running", "twin", seeds)


@pytest.mark.parametrize(
    ("low", "high", "metric", "verdict"),
    [
        (-2, -1, "loss", "is better than"),
        (1, 2, "loss", "is worse than"),
        (1, 2, "accuracy", "is better than"),
        (-2, -1, "accuracy", "is worse than"),
        (-1, 2, "loss", "cannot be told from"),
        (0, 2, "loss", "cannot be told from"),
        (0, 0, "loss", "is as"),
    ],
)
def test_better_and_worse_only_where_the_interval_excludes_zero(
    low: float, high: float, metric: str, verdict: str
) -> None:
    words = told(Interval((low + high) / 2, low, high, 8), metric)
    assert words.startswith(f"The panda {verdict} its twin at step 400: validation {metric} under ")


def test_few_seeds_and_lost_ones_are_said() -> None:
    assert "3 seeds cannot tell (5 can) at step 400" in told(Interval(1, nan, nan, 3), seeds=3)
    assert told(Interval(1, 0.5, 1.5, 7)).endswith("(7/8 seeds).")
    assert "No seed has a finite validation loss" in told(Interval(nan, nan, nan, 0))
    assert sentence(None, "loss", "train train-mode", "twin", 8) == (
        "No train loss in train mode of both models yet."
    )


def test_the_longest_sentence_fits_two_lines() -> None:
    reading = Reading(128_000, 1, 1, Interval(-0.00012, -0.0003, 0.00005, 127))
    words = sentence(reading, "loss", "validation population", "parent", 128)
    assert len(wrapped(words, 80)) == 2


def test_a_narrow_column_gets_fewer_digits() -> None:
    interval = Interval(-0.1077, -0.11223, -0.1038, 8)
    assert difference(interval, "accuracy") == "−10.77 [−11.22, −10.38]"
    assert difference(interval, "accuracy", room=20) == "−10.8 [−11.2, −10.4]"
