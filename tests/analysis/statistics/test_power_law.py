"""Exponents of u = 1/m - 1/N: exact power laws, weights by hand, noise and what has no log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from statsmodels.regression.linear_model import WLS

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.power_law import Exponent, local_slopes, scaling_exponent

Array = np.ndarray[Any, Any]

LEVELS = np.array([8.0, 16, 32, 64, 128, 256])
EXAMPLES = 1000
U = 1 / LEVELS - 1 / EXAMPLES


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def fit(values: Array, seed: int = 0, **options: float) -> Exponent:
    options = {"smallest": 8, "largest": 256, **options}
    return scaling_exponent(values, LEVELS, EXAMPLES, np.random.default_rng(seed), **options)


def noisy(units: int, *, exponent: float = 1.2, noise: float = 0.1, seed: int = 0) -> Array:
    """Units of unlike strength, each with noise that its levels partly share."""
    strength = np.exp(normal(units, 1, seed=seed))
    shared, of_level = normal(units, 1, seed=seed + 1), normal(units, len(LEVELS), seed=seed + 2)
    return np.asarray(strength * U**exponent * (1 + noise * (0.8 * shared + 0.6 * of_level)))


@pytest.mark.parametrize("exponent", [-0.5, 1.0, 1.7])
def test_an_exact_power_law_is_certain(exponent: float) -> None:
    values = np.outer([0.5, 1, 2, 3, 4, 7], U**exponent)
    fitted = fit(values)
    assert fitted[:3] == pytest.approx((exponent,) * 3, rel=1e-10)
    assert fitted[3:] == (8, 256, 6, 0, 0)


def test_the_exponent_is_of_u_and_not_of_m() -> None:
    """Near N the line in log m bends: 1/m - 1/N falls faster than 1/m."""
    slope = np.polyfit(np.log(LEVELS), np.log(U), 1)[0]
    assert slope < -1.05
    assert fit(np.tile(3 * U, (5, 1))).exponent == pytest.approx(1)


def test_the_fit_is_statsmodels_with_weights_shrunk_half_way() -> None:
    values = noisy(9, noise=0.3) * (1 + 0.3 * normal(9, 6, seed=8) * np.linspace(0, 1, 6))
    means = values.mean(axis=0)
    share = values / means
    deviations = share - share.mean(axis=1, keepdims=True)
    variance = (deviations**2).mean(axis=0)
    weights = 1 / (variance + variance.mean())
    design = np.column_stack([np.ones(6), np.log(U)])
    expected = WLS(np.log(means), design, weights=weights).fit().params[1]
    equal = WLS(np.log(means), design).fit().params[1]
    assert fit(values).exponent == pytest.approx(expected, rel=1e-10)
    assert abs(equal - expected) > 1e-4


def test_the_range_is_named_and_kept_to() -> None:
    values = noisy(7)
    bent = values.copy()
    bent[:, [0, 5]] *= 100
    fitted = fit(bent, smallest=10, largest=200)
    assert (fitted.smallest, fitted.largest) == (16, 128)
    assert fitted == fit(values, smallest=16, largest=128)
    assert fit(bent).exponent != fitted.exponent


def test_with_small_noise_the_interval_is_that_of_slopes_a_unit() -> None:
    """To first order, units of equal strength: log means are means of logs. The resamples are
    others, so the ends agree as outer quantiles of 4000 do, within 4 z."""
    values = U**1.2 * (1 + 1e-3 * normal(20, 1) + 1e-3 * normal(20, 6, seed=2))
    shares = values / values.mean(axis=0)
    variance = ((shares - shares.mean(axis=1, keepdims=True)) ** 2).mean(axis=0)
    w = 1 / (variance + variance.mean())
    x = np.log(U) - (w * np.log(U)).sum() / w.sum()
    each = np.log(values) @ (w * x) / (w * x * x).sum()
    expected, interval = mean_interval(each, np.random.default_rng(1)), fit(values)
    half = (expected.high - expected.low) / 2
    assert interval.exponent == pytest.approx(expected.mean, abs=0.02 * half)
    assert (interval.low, interval.high) == pytest.approx(
        (expected.low, expected.high), abs=0.15 * half
    )


def test_a_long_tail_stretches_the_interval_to_its_side() -> None:
    """The smallest size is far up in a few units: the exponent may be larger still."""
    values = np.tile(U, (20, 1))
    values[:, 0] *= 1 + 0.01 * np.random.default_rng(2).exponential(size=20)
    fitted = fit(values, smallest=8, largest=16)
    assert fitted.high - fitted.exponent > 1.2 * (fitted.exponent - fitted.low)


def test_what_levels_share_widens_nothing() -> None:
    shared = np.exp(normal(12, 1))
    values = U * (1 + 0.01 * normal(12, 6, seed=3))
    plain, scaled = fit(values), fit(values * shared)
    assert scaled.high - scaled.low < 3 * (plain.high - plain.low)


def test_a_value_below_zero_is_averaged_and_counted() -> None:
    values = noisy(8)
    values[2, 5] = -values[2, 5]
    fitted = fit(values)
    assert np.isfinite(fitted[:3]).all()
    assert (fitted.units, fitted.left_out) == (8, 0)
    assert fitted.not_positive == pytest.approx(1 / 48)
    means = values.mean(axis=0)
    exact = fit(np.tile(means, (8, 1)))
    assert fitted.exponent == pytest.approx(exact.exponent, abs=0.1)


def test_a_mean_that_is_not_positive_has_no_exponent() -> None:
    values = noisy(8)
    values[:, 3] = -1
    fitted = fit(values)
    assert np.isnan(fitted[:3]).all()
    assert fitted.not_positive == pytest.approx(1 / 6)


def test_resamples_without_an_exponent_leave_no_interval() -> None:
    """One unit carries the mean of a level: without it, one resample in three, there is no log."""
    values = noisy(8)
    values[:, 5] = -1e-6
    values[0, 5] = 1
    fitted = fit(values)
    assert np.isfinite(fitted.exponent)
    assert np.isnan([fitted.low, fitted.high]).all()


def test_units_with_a_hole_in_the_range_are_left_out_and_counted() -> None:
    values = noisy(8)
    holes = values.copy()
    holes[1, 2], holes[6, 5] = np.nan, np.inf
    fitted = fit(holes)
    assert (fitted.units, fitted.left_out) == (6, 2)
    assert fitted[:3] == fit(np.delete(values, [1, 6], axis=0))[:3]
    assert fit(holes, largest=128).left_out == 1


@pytest.mark.parametrize("units", [1, 2, 4])
def test_few_units_have_an_exponent_without_an_interval(units: int) -> None:
    fitted = fit(noisy(units))
    assert fitted.exponent == pytest.approx(1.2, abs=0.3)
    assert np.isnan([fitted.low, fitted.high]).all() and fitted.units == units


def test_no_units_have_no_exponent() -> None:
    fitted = fit(np.full((3, 6), np.nan))
    assert np.isnan([*fitted[:3], fitted.not_positive]).all()
    assert (fitted.units, fitted.left_out) == (0, 3)


def test_a_range_without_two_levels_is_refused() -> None:
    with pytest.raises(ValueError, match="two levels from 20 to 60"):
        fit(noisy(6), smallest=20, largest=60)


def test_a_level_of_all_examples_has_no_logarithm() -> None:
    with pytest.raises(ValueError, match="below N = 256"):
        scaling_exponent(noisy(6), LEVELS, 256, np.random.default_rng(0), smallest=8, largest=256)


def test_local_slopes_are_those_of_each_pair() -> None:
    exponents = np.array([0.5, 1.0, 1.5, 2.0, -1.0])
    logs = np.concatenate([[0], np.cumsum(exponents * np.diff(np.log(U)))])
    values = np.outer([1, 2, 3, 4, 5.5], np.exp(logs))
    slopes = local_slopes(values, LEVELS, EXAMPLES, np.random.default_rng(0))
    assert [f.exponent for f in slopes] == pytest.approx(exponents)
    assert [(f.smallest, f.largest) for f in slopes] == [
        (8, 16),
        (16, 32),
        (32, 64),
        (64, 128),
        (128, 256),
    ]


def test_a_local_slope_has_its_own_interval_and_holes() -> None:
    values = noisy(9)
    values[0, 5] = np.nan
    slopes = local_slopes(values, LEVELS, EXAMPLES, np.random.default_rng(0), level=0.5)
    assert [f.left_out for f in slopes] == [0, 0, 0, 0, 1]
    assert all(f.low < f.exponent < f.high for f in slopes)
    alone = fit(values, smallest=8, largest=16, level=0.5)
    assert slopes[0] == alone
    wide = fit(values, smallest=8, largest=16)
    assert wide.low < alone.low < alone.high < wide.high


def test_equal_seeds_give_equal_bytes() -> None:
    values = noisy(8)
    assert fit(values, 3) == fit(values, 3)
    assert fit(values, 3).low != fit(values, 4).low
