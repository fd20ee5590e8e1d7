"""Closed forms against every subset of a small population, and against simulation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.theory.batch_statistics import (
    finite_population,
    variance_of_batch_deviation,
    variance_of_batch_mean,
)

Array = np.ndarray[Any, Any]

SKEWED = np.array([0.0, 0.3, 1.0, 1.1, 4.0, 9.0, 2.0, 0.1])


def _subsets(population: Array, m: int) -> Array:
    """Every subset of m, `(subsets, m)`."""
    return np.array(list(combinations(population, m)))


@pytest.mark.parametrize("m", range(1, 9))
def test_variance_of_the_mean_over_all_subsets(m: int) -> None:
    means = _subsets(SKEWED, m).mean(axis=1)
    expected = means.var() / SKEWED.var()
    assert variance_of_batch_mean(m, 8) == pytest.approx(expected, abs=1e-14)


def test_the_whole_population_has_no_noise() -> None:
    assert finite_population(64, 64) == 0
    assert variance_of_batch_mean(64, 64) == 0
    assert variance_of_batch_deviation(64, 64, 3.0) == 0


def test_one_of_many_has_the_whole_variance() -> None:
    assert variance_of_batch_mean(1, 1000) == 1


def test_an_endless_population_takes_nothing_away() -> None:
    assert variance_of_batch_mean(16, 1e12) == pytest.approx(1 / 16)
    assert variance_of_batch_deviation(16, 1e12, 0.0) == pytest.approx(1 / 32)
    assert variance_of_batch_deviation(16, 1e12, 1.5) == pytest.approx(3.5 / 64)


def test_a_population_of_two_values_has_no_deviation_to_vary() -> None:
    """Excess kurtosis -2: half of +1 and half of -1, whose batches' deviation is second order."""
    assert variance_of_batch_deviation(32, 1e12, -2.0) == 0


def test_arrays_are_taken_element_by_element() -> None:
    m, kurtosis = np.array([4, 8, 16]), np.array([0.0, 1, -1])
    variance = variance_of_batch_deviation(m, 512, kurtosis)
    one = [variance_of_batch_deviation(a, 512, b) for a, b in zip(m, kurtosis, strict=True)]
    assert variance.tolist() == one
    assert variance_of_batch_mean(m, 512).shape == (3,)


def _simulated(population: Array, m: int, batches: int) -> float:
    """Variance of the deviation of random batches, in units of the population's variance."""
    generator = np.random.default_rng(m)
    rounds = batches // (len(population) // m)
    orders = np.stack([generator.permutation(len(population)) for _ in range(rounds)])
    used = len(population) // m * m
    deviations = population[orders[:, :used]].reshape(-1, m).std(axis=1)
    return float(deviations.var() / population.var())


@pytest.mark.parametrize(
    ("m", "excess"), [(4, 0.106), (8, 0.037), (16, 0.018), (32, 0.006), (64, 0.002), (256, 0.0)]
)
def test_variance_of_the_deviation_of_normal_batches(m: int, excess: float) -> None:
    """High by what the exact normal values of SCIENCE C1 say: 10 % at m = 4, 1 % at m = 32."""
    population = stats.norm.ppf((np.arange(1024) + 0.5) / 1024)
    kurtosis = stats.kurtosis(population)
    measured = _simulated(population, m, 40_000)
    predicted = variance_of_batch_deviation(m, 1024, kurtosis)
    four_errors_of_simulation = 4 * np.sqrt(2 / 40_000)
    assert predicted / measured - 1 == pytest.approx(excess, abs=four_errors_of_simulation)


@pytest.mark.parametrize("m", [64, 128, 256])
def test_kurtosis_adds_to_the_variance_of_the_deviation(m: int) -> None:
    """Heavy tails: a Laplace law has excess kurtosis 3, so 2.5 times the variance."""
    population = stats.laplace.ppf((np.arange(1024) + 0.5) / 1024)
    kurtosis = stats.kurtosis(population)
    assert kurtosis > 2.5
    predicted = variance_of_batch_deviation(m, 1024, kurtosis)
    assert predicted == pytest.approx(_simulated(population, m, 20_000), rel=0.08)
