"""Closed forms of batch noise in training, against quadrature and simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.theory.batch_statistics import (
    equivalent_dropout,
    finite_population,
    inflation,
    noise_of_x_hat,
    self_influence,
    squared_inflation,
    variance_of_batch_deviation,
    variance_of_batch_mean,
)

Array = np.ndarray[Any, Any]

RECORDED_INFLATION = {4: 1.5958, 8: 1.2036, 16: 1.0883, 32: 1.0414, 64: 1.0201}
RECORDED_DROPOUT = {4: 0.27, 8: 0.158, 16: 0.086, 32: 0.045, 64: 0.023, 128: 0.012}


def test_an_infinite_population_is_independent_draws() -> None:
    assert finite_population(16, np.inf) == 1
    assert variance_of_batch_mean(16, np.inf) == 1 / 16
    assert variance_of_batch_deviation(16, np.inf, 1.5) == 3.5 / 64
    sizes = finite_population(np.array([2, 4]), np.array([5, np.inf]))
    np.testing.assert_allclose(sizes, [3 / 4, 1])


@pytest.mark.parametrize("m", RECORDED_INFLATION)
def test_inflation_as_recorded(m: int) -> None:
    assert inflation(m, 0.0) == pytest.approx(RECORDED_INFLATION[m], abs=5e-5)


@pytest.mark.parametrize("m", [3, 4, 5, 8, 64, 1000])
def test_inflation_by_quadrature(m: int) -> None:
    """m v_B / sigma^2 of a normal law is chi-squared with m - 1 degrees of freedom."""
    expected = stats.chi(m - 1).expect(lambda c: np.sqrt(m) / c, lb=0, ub=np.inf)
    assert inflation(m, 0.0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("m", [10**4, 10**8, 10**12])
def test_inflation_of_large_batches_keeps_its_digits(m: int) -> None:
    """1 + 5 / (4 m) up to about 2 / m^2; the rounding of 1 itself is 2e-16."""
    assert inflation(m, 0.0) == pytest.approx(1 + 1.25 / m, abs=4 / m**2 + 1e-9 / m**0.5 + 1e-15)


@pytest.mark.parametrize("m", [4, 5, 8, 64])
def test_squared_inflation_is_where_its_mean_exists(m: int) -> None:
    expected = stats.chi2(m - 1).expect(lambda c: m / c, lb=0, ub=np.inf)
    assert squared_inflation(m) == pytest.approx(expected, rel=1e-6)


def test_tiny_batches_have_no_mean_inflation() -> None:
    assert inflation(2, 0.0) == np.inf
    assert np.isfinite(inflation(3, 0.0))
    assert squared_inflation(3) == squared_inflation(2) == np.inf


@pytest.mark.parametrize("m", [64, 256])
def test_heavy_tails_inflate_more(m: int) -> None:
    """A Laplace law, kurtosis 3. Its error of second order is below 20 / m^2; z = 4."""
    x = np.random.default_rng(m).laplace(size=(40_000, m))
    factors = np.sqrt(2) / x.std(axis=1)
    z4 = 4 * factors.std() / np.sqrt(len(factors))
    assert inflation(m, 3.0) == pytest.approx(factors.mean(), abs=z4 + 20 / m**2)
    assert abs(inflation(m, 0.0) - factors.mean()) > z4 + 20 / m**2


def _x_hat_noise(m: int, batches: int) -> tuple[float, float]:
    """Variance of x_hat given its own input, averaged over normal inputs; and its error.

    The input stays, the other m - 1 examples are drawn again and again.
    """
    inputs, odds = np.polynomial.hermite_e.hermegauss(12)
    generator = np.random.default_rng(m)
    parts = []
    for _ in range(16):
        others = generator.standard_normal((batches // 16, m - 1, 1))
        mean = (others.sum(axis=1) + inputs) / m
        square = ((others**2).sum(axis=1) + inputs**2) / m
        x_hat = (inputs - mean) / np.sqrt(square - mean**2)
        parts.append(x_hat.var(axis=0, ddof=1) @ odds / odds.sum())
    return float(np.mean(parts)), float(np.std(parts, ddof=1) / 4)


@pytest.mark.parametrize(("m", "high"), [(4, 0.12), (8, 0.10), (16, 0.05), (64, 0.0)])
def test_noise_of_x_hat_is_high_by_what_its_docstring_says(m: int, high: float) -> None:
    """z = 4, and 1 % for the rounding of the docstring."""
    measured, error = _x_hat_noise(m, 80_000)
    assert 4 * error / measured < 0.025
    excess = noise_of_x_hat(m, np.inf, 0.0) / measured - 1
    assert excess == pytest.approx(high, abs=4 * error / measured + 0.01)


def test_noise_of_x_hat_adds_the_two_parts() -> None:
    assert noise_of_x_hat(8, np.inf, 0.0) == pytest.approx(1.5 / 8)
    assert noise_of_x_hat(8, np.inf, 3.0) == pytest.approx((1 + 5 / 4) / 8)
    assert noise_of_x_hat(8, 64, 3.0) == pytest.approx((1 + 5 / 4) / 8 * 56 / 63)


@pytest.mark.parametrize("m", RECORDED_DROPOUT)
def test_equivalent_dropout_as_recorded(m: int) -> None:
    rate = equivalent_dropout(noise_of_x_hat(m, np.inf, 0.0))
    assert rate == pytest.approx(RECORDED_DROPOUT[m], abs=0.005 if m == 4 else 0.0005)


@pytest.mark.parametrize("noise", [0.01, 0.4, 3.0])
def test_equivalent_dropout_has_the_variance_asked_for(noise: float) -> None:
    """A mask of 0 with probability p, else 1 / (1 - p), written out."""
    p = equivalent_dropout(noise)
    values, odds = np.array([0, 1 / (1 - p)]), np.array([p, 1 - p])
    mean = values @ odds
    assert mean == pytest.approx(1)
    assert (values - mean) ** 2 @ odds == pytest.approx(noise)


@pytest.mark.parametrize("m", [2, 3, 8, 64])
def test_self_influence_is_the_slope_of_x_hat_at_the_others_mean(m: int) -> None:
    """x_hat of a last example that is a hair from the mean of the other m - 1, in their units."""
    others = np.random.default_rng(m).standard_normal(m - 1) if m > 2 else np.array([0.0])
    spread = others.std() if m > 2 else 1e-4
    hair = 1e-6 * spread
    batch = np.append(others, others.mean() + hair)
    if m > 2:
        slope = (batch[-1] - batch.mean()) / batch.std() / (hair / spread)
        assert slope == pytest.approx(self_influence(m), rel=1e-5)
    assert self_influence(m) ** 2 == pytest.approx(1 - 1 / m)
