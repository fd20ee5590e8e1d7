"""Intervals cover the truth as often as they say, by simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import difference_interval, mean_interval

Array = np.ndarray[Any, Any]
Law = Callable[[np.random.Generator, int], Array]

SIMULATIONS = 2000
"""The standard error of a share of 95 % is then half a per cent."""


def normal(generator: np.random.Generator, n: int) -> Array:
    return generator.standard_normal(n)


def wide(generator: np.random.Generator, n: int) -> Array:
    return 3 * generator.standard_normal(n)


def exponential(generator: np.random.Generator, n: int) -> Array:
    return generator.exponential(size=n)


def coverage_of_mean(law: Law, n: int, truth: float) -> float:
    nature, resampling = np.random.default_rng(1), np.random.default_rng(99)
    found = (mean_interval(law(nature, n), resampling) for _ in range(SIMULATIONS))
    return float(np.mean([i.low <= truth <= i.high for i in found]))


def coverage_of_difference(first: Law, n: int, second: Law, m: int, truth: float) -> float:
    nature, resampling = np.random.default_rng(2), np.random.default_rng(98)
    found = (
        difference_interval(first(nature, n), second(nature, m), resampling)
        for _ in range(SIMULATIONS)
    )
    return float(np.mean([i.low <= truth <= i.high for i in found]))


@pytest.mark.parametrize("units", [5, 8, 10, 20])
def test_mean_of_normal_units(units: int) -> None:
    assert 0.93 <= coverage_of_mean(normal, units, 0) <= 0.97


@pytest.mark.parametrize("units", [10, 20])
def test_mean_of_skewed_units(units: int) -> None:
    assert 0.92 <= coverage_of_mean(exponential, units, 1) <= 0.97


def test_difference_of_normal_units() -> None:
    assert 0.93 <= coverage_of_difference(normal, 5, normal, 5, 0) <= 0.97


def test_difference_of_unlike_sides() -> None:
    assert 0.93 <= coverage_of_difference(wide, 8, normal, 20, 0) <= 0.97
