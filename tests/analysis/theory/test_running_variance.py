"""Closed forms of running variances against enumeration, quadrature and simulation."""

from __future__ import annotations

import math
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.theory.running_mean import sum_of_squared_epochs, sum_of_squares
from caviar.analysis.theory.running_variance import (
    deviation_of_log,
    expected_ratio,
    log_error,
    variance_of_variance,
)

Array = np.ndarray[Any, Any]

SKEWED = np.array([0.0, 0.3, 1.0, 4.0, 9.0, 2.0])
EPSILON = 1e-3


def stored(m: int) -> dict[str, Any]:
    """What each rule stores of a biased batch variance, from its words."""
    return {
        "biased": lambda v: v,
        "unbiased": lambda v: v * m / (m - 1),
        "guarded": lambda v: v * m / (m - 1 - EPSILON),
        "biased_plus_epsilon": lambda v: v + EPSILON,
    }


@pytest.mark.parametrize("m", [2, 3, 5, 6])
@pytest.mark.parametrize("second", ["biased", "unbiased", "guarded", "biased_plus_epsilon"])
def test_the_expected_variance_over_all_subsets(second: Any, m: int) -> None:
    """Without replacement from six values; a rule that stored epsilon reads it off again."""
    batches = np.array(list(combinations(SKEWED, m)))
    mean = stored(m)[second](batches.var(axis=1)).mean()
    read = mean - EPSILON if second == "biased_plus_epsilon" else mean
    ratio = expected_ratio(second, m, len(SKEWED), EPSILON, 0.0)
    assert ratio == pytest.approx(read / SKEWED.var(), rel=1e-12)


@pytest.mark.parametrize("m", [2, 3, 5])
@pytest.mark.parametrize("second", ["biased", "unbiased", "guarded"])
def test_the_expected_variance_over_all_samples(second: Any, m: int) -> None:
    batches = np.array(list(product(SKEWED, repeat=m)))
    read = stored(m)[second](batches.var(axis=1)).mean()
    ratio = expected_ratio(second, m, math.inf, EPSILON, 0.0)
    assert ratio == pytest.approx(read / SKEWED.var(), rel=1e-12)


@pytest.mark.parametrize("m", [3, 4, 16, 64])
def test_averaging_inverse_deviations_by_quadrature(m: int) -> None:
    mean = stats.chi(m - 1).expect(lambda c: np.sqrt(m) / c, lb=0, ub=np.inf)
    ratio = expected_ratio("inverse_deviation", m, math.inf, EPSILON, 0.0)
    assert ratio == pytest.approx(1 / mean**2, rel=1e-6)


def test_inverse_deviations_at_the_edges() -> None:
    assert expected_ratio("inverse_deviation", 2, math.inf, 0.0, 0.0) == 0
    assert expected_ratio("inverse_deviation", 64, 64, 0.0, 0.0) == 1
    assert expected_ratio("inverse_deviation", 2, 2, 0.0, 0.0) == 1
    heavy = expected_ratio("inverse_deviation", 64, math.inf, 0.0, 3.0)
    assert heavy < expected_ratio("inverse_deviation", 64, math.inf, 0.0, 0.0)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_variance_of_an_unbiased_variance_over_all_samples(m: int) -> None:
    """Independent draws from four values: exact for any law."""
    values = SKEWED[1:5]
    kurtosis = stats.kurtosis(values)
    unbiased = np.array(list(product(values, repeat=m))).var(axis=1, ddof=1)
    expected = unbiased.var() / values.var() ** 2
    variance = variance_of_variance(1.0, 1.0, m, math.inf, kurtosis)
    assert variance == pytest.approx(expected, rel=1e-12)
    assert variance_of_variance(0.25, 1.0, m, math.inf, kurtosis) == pytest.approx(expected / 4)


def test_a_batch_of_everything_has_one_variance() -> None:
    assert variance_of_variance(0.3, 0.3, 64, 64, 1.0) == pytest.approx(0, abs=1e-16)


@pytest.mark.parametrize("m", [2, 4, 16, 200])
def test_the_log_of_a_normal_batch_s_variance_by_quadrature(m: int) -> None:
    law = stats.chi2(m - 1)
    mean = law.expect(np.log, lb=0, ub=np.inf)
    square = law.expect(lambda c: (np.log(c) - mean) ** 2, lb=0, ub=np.inf)
    assert deviation_of_log(2 / (m - 1)) == pytest.approx(math.sqrt(square), rel=1e-5)


def test_a_small_variance_is_its_log_s() -> None:
    assert deviation_of_log(1e-8) == pytest.approx(1e-4, rel=1e-6)
    assert deviation_of_log(0.0) == 0


def simulated(population: Array, m: int, decay: float, runs: int, epochs: int) -> dict[str, Array]:
    """Log of the running variance, (runs, batches of the last epoch), by rule: the recursion."""
    generator = np.random.default_rng(m)
    per_epoch = len(population) // m
    unbiased, inverse = np.ones(runs), np.ones(runs)
    averages: dict[str, list[Array]] = {"unbiased": [], "inverse_deviation": []}
    for epoch in range(epochs):
        rows = np.tile(population, (runs, 1))
        batches = generator.permuted(rows, axis=1)[:, : per_epoch * m]
        variances = batches.reshape(runs, per_epoch, m).var(axis=2)
        for v in variances.T:
            unbiased = decay * unbiased + (1 - decay) * v * m / (m - 1)
            inverse = decay * inverse + (1 - decay) / np.sqrt(v)
            if epoch == epochs - 1:
                averages["unbiased"].append(np.log(unbiased))
                averages["inverse_deviation"].append(-2 * np.log(inverse))
    return {rule: np.array(logs).T for rule, logs in averages.items()}


def of_law(law: Any, n: int) -> Array:
    values = law.ppf((np.arange(n) + 0.5) / n)
    return np.asarray((values - values.mean()) / values.std())


SHUFFLED = [
    (stats.norm, 64, 16, 0.9),
    (stats.norm, 64, 32, 0.9),
    (stats.norm, 66, 16, 0.5),
    (stats.norm, 240, 4, 0.9),
    (stats.laplace, 64, 16, 0.9),
]


@pytest.mark.parametrize(("law", "n", "m", "decay"), SHUFFLED)
def test_error_of_the_running_variance_over_shuffled_epochs(
    law: Any, n: int, m: int, decay: float
) -> None:
    """4,000 runs: z = 4 is 4.5 % of a deviation; 3 % more for terms of order 1 / N."""
    population = of_law(law, n)
    per_epoch = n // m
    epochs = math.ceil(14 / (1 - decay) / per_epoch)
    logs = simulated(population, m, decay, 4000, epochs)["unbiased"]
    squares = sum_of_squares("constant", decay, math.inf)
    for phase in {1, per_epoch}:
        weights = sum_of_squared_epochs("constant", decay, per_epoch, phase, math.inf)
        kurtosis = stats.kurtosis(population)
        error = log_error("unbiased", squares, weights, m, n, kurtosis)
        assert error == pytest.approx(logs[:, phase - 1].std(), rel=0.075)
        for second in ("biased", "guarded", "biased_plus_epsilon"):
            assert log_error(second, squares, weights, m, n, kurtosis) == error


@pytest.mark.parametrize(("m", "near"), [(4, 0.2), (16, 0.12), (64, 0.06)])
def test_error_of_averaged_inverse_deviations(m: int, near: float) -> None:
    """Independent normal batches by the delta method, the more exact the larger m; z = 4."""
    generator = np.random.default_rng(m)
    average = np.ones(3000)
    for _ in range(140):
        batch = generator.standard_normal((3000, m))
        average = 0.9 * average + 0.1 / batch.std(axis=1)
    squares = sum_of_squares("constant", 0.9, math.inf)
    error = log_error("inverse_deviation", squares, 1.0, m, math.inf, 0.0)
    assert error == pytest.approx(np.log(average**-2).std(), rel=near)
    expected = math.log(expected_ratio("inverse_deviation", m, math.inf, 0.0, 0.0))
    measured = -2 * np.log(average.mean())
    assert expected == pytest.approx(measured, abs=4 * error / math.sqrt(3000))


def test_inverse_deviations_of_three_have_no_variance() -> None:
    assert log_error("inverse_deviation", 0.1, 0.5, 3, math.inf, 0.0) == math.inf
    assert log_error("inverse_deviation", 0.1, 0.1, 3, 3, 0.0) == 0
    assert math.isfinite(log_error("inverse_deviation", 0.1, 0.5, 4, math.inf, 0.0))
