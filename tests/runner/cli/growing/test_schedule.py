"""Intervals at several looks: how the error is shared out, and how often any of them is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from caviar.analysis.statistics.intervals import farther
from caviar.analysis.statistics.resampling import ROUNDING, drawn_counts, moments
from caviar.runner.cli.growing.schedule import ERROR, counts_of_looks, errors_of_looks, spent

Law = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]

LAWS: dict[str, Law] = {
    "normal": lambda g, shape: g.normal(size=shape),
    "difference of exponentials": lambda g, shape: np.diff(g.exponential(size=(*shape, 2)))[..., 0],
    "exponential": lambda g, shape: g.exponential(size=shape) - 1,
    "lognormal": lambda g, shape: g.lognormal(size=shape) - math.exp(0.5),
}
RUNS, FIRST, MOST = 1000, 8, 64
RESAMPLES = 2000


@pytest.mark.parametrize(("first", "most"), [(5, 64), (8, 64), (16, 17), (8, 8), (1, 1000)])
def test_looks_go_from_the_first_to_the_most_and_spend_all(first: int, most: int) -> None:
    counts = counts_of_looks(first, most)
    assert counts[0] == first and counts[-1] == most and counts == sorted(set(counts))
    errors = errors_of_looks(counts, most)
    assert sum(errors) == pytest.approx(ERROR, abs=1e-15) and min(errors) > 0


def test_the_rate_of_spending_is_that_of_lan_and_demets() -> None:
    assert spent(0.0) == 0.0 and spent(1.0) == pytest.approx(0.05, abs=1e-15)
    assert spent(0.5) == pytest.approx(0.05 * math.log(1 + (math.e - 1) * 0.5), abs=1e-15)
    assert errors_of_looks([32, 64], 64) == pytest.approx([0.031006, 0.018994], abs=1e-6)


def ends(values: NDArray[np.float64], error: float) -> tuple[NDArray[np.float64], ...]:
    """`mean_interval` of many samples at once, `(runs, units)`; one set of resamples for all."""
    n = values.shape[1]
    mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1) / math.sqrt(n)
    scaled = ((values - mean[:, np.newaxis]) / spread[:, np.newaxis]).T
    away, variances = moments(scaled, drawn_counts(np.random.default_rng(0), n)[:RESAMPLES])
    t = np.copysign(np.inf, away)
    squares = variances / n
    np.divide(away, np.sqrt(squares.clip(0)), out=t, where=squares > ROUNDING)
    tails = [1 - error / 2, error / 2]
    upper, lower = np.quantile(t, tails, axis=0, method="inverted_cdf")
    upper, lower = farther(upper, lower, stats.t.isf(error / 2, n - 1))
    return mean - upper * spread, mean - lower * spread


@pytest.mark.parametrize("law", LAWS)
def test_the_interval_at_which_a_run_stops_is_wrong_at_most_as_often_as_it_says(law: str) -> None:
    """Whatever width is asked for: a run that stops early, late, or never narrow enough."""
    values = LAWS[law](np.random.default_rng(1), (RUNS, MOST))
    counts = counts_of_looks(FIRST, MOST)
    looks = [
        ends(values[:, :count], error)
        for count, error in zip(counts, errors_of_looks(counts, MOST), strict=True)
    ]
    low, high = np.array([one[0] for one in looks]), np.array([one[1] for one in looks])
    wrong, half = (low > 0) | (high < 0), (high - low) / 2
    # Of a single look at lognormal values 6 to 10 of 100 are wrong: docs/inference.md.
    most = 0.08 if law == "lognormal" else ERROR
    if law != "lognormal":
        assert wrong.any(axis=0).mean() <= ERROR + 2 * math.sqrt(ERROR * (1 - ERROR) / RUNS)
    for share in (0.2, 0.5, 1.05, 1.5, 2.0, 3.0):
        narrow = half <= share * np.median(half[-1])
        stopped = np.where(narrow.any(axis=0), narrow.argmax(axis=0), len(counts) - 1)
        assert wrong[stopped, np.arange(RUNS)].mean() <= most, share
