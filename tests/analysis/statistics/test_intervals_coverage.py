"""Intervals cover the truth as often as they say, by simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import difference_interval, mean_intervals

Array = np.ndarray[Any, Any]
Law = Callable[[np.random.Generator, tuple[int, int]], Array]

SIMULATIONS = 2000
"""The standard error of a share of 95 % is then half a per cent."""


def normal(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.standard_normal(shape)


def wide(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return 3 * generator.standard_normal(shape)


def exponential(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.exponential(size=shape)


def coverage_of_mean(law: Law, n: int, truth: float) -> float:
    simulations = law(np.random.default_rng(1), (SIMULATIONS, n))
    intervals = mean_intervals(simulations, 99)
    return float(np.mean([i.low <= truth <= i.high for i in intervals]))


def coverage_of_difference(first: Law, n: int, second: Law, m: int, truth: float) -> float:
    nature, resampling = np.random.default_rng(2), np.random.default_rng(98)
    simulations = zip(
        first(nature, (SIMULATIONS, n)), second(nature, (SIMULATIONS, m)), strict=True
    )
    intervals = (difference_interval(a, b, resampling) for a, b in simulations)
    return float(np.mean([i.low <= truth <= i.high for i in intervals]))


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
