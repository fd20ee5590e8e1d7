"""Interquartile means across data sets: against SciPy, and intervals that keep data sets apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.interquartile_mean import (
    interquartile_mean,
    interquartile_mean_interval,
)
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.resampling import RESAMPLES

Array = np.ndarray[Any, Any]


def normal(n: int, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(n)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 8, 30, 31])
def test_the_interquartile_mean_is_scipys_trimmed_mean(n: int) -> None:
    values = normal(2 * n).reshape(2, n)
    expected = stats.trim_mean(values, 0.25, axis=1)
    assert interquartile_mean(values) == pytest.approx(expected, rel=1e-12)


def test_the_estimate_pools_all_data_sets() -> None:
    strata = [normal(6), normal(9, seed=1) + 3]
    interval = interquartile_mean_interval(strata, seeded())
    assert interval.mean == pytest.approx(stats.trim_mean(np.concatenate(strata), 0.25))
    assert interval.units == 15
    assert interval.low < interval.mean < interval.high


def test_many_units_have_the_interval_of_a_trimmed_mean() -> None:
    """One data set: SciPy's t interval of the trimmed mean (Tukey-McLaughlin), within 4 z."""
    values = normal(4000)
    interval = interquartile_mean_interval([values], seeded())
    cut = stats.trimboth(np.sort(values), 0.25)
    winsorised = np.asarray(stats.mstats.winsorize(values, (0.25, 0.25)))
    error = winsorised.std(ddof=1) / (0.5 * np.sqrt(4000))
    assert interval.mean == pytest.approx(cut.mean())
    assert interval.high - interval.mean == pytest.approx(1.96 * error, abs=0.17 * error)
    assert interval.mean - interval.low == pytest.approx(1.96 * error, abs=0.17 * error)


def winsorised_error(strata: list[Array]) -> Array:
    """Standard error of the interquartile mean: winsorised variance within data sets, each
    `(..., units)`."""
    pooled = np.concatenate(strata, axis=-1)
    n, cut = pooled.shape[-1], pooled.shape[-1] // 4
    limits = (cut / n + 1e-9, cut / n + 1e-9)
    winsorised = np.asarray(stats.mstats.winsorize(pooled, limits, axis=-1))
    first, second = np.split(winsorised, [strata[0].shape[-1]], axis=-1)
    variance = sum(part.shape[-1] * part.var(axis=-1, ddof=1) for part in (first, second))
    return np.asarray(np.sqrt(variance) / (n - 2 * cut))


def test_the_interval_is_studentised_resample_by_resample() -> None:
    strata = [3 * np.random.default_rng(1).exponential(size=6), normal(9, seed=2)]
    generator = seeded(5)
    draws = [s[generator.integers(0, len(s), (RESAMPLES, len(s)))] for s in strata]
    mean = stats.trim_mean(np.concatenate(strata), 0.25)
    errors = winsorised_error(draws)
    away = stats.trim_mean(np.concatenate(draws, axis=1), 0.25, axis=1) - mean
    with np.errstate(divide="ignore"):
        t = np.sort(np.where(errors > 1e-12, away / errors, np.copysign(np.inf, away)))
    upper, lower = t[int(0.975 * RESAMPLES) - 1], t[int(0.025 * RESAMPLES) - 1]
    error = float(winsorised_error(strata))
    interval = interquartile_mean_interval(strata, seeded(5))
    assert interval == pytest.approx((mean, mean - upper * error, mean - lower * error, 15))


def test_distance_between_data_sets_is_no_uncertainty() -> None:
    """The middle half is that of the middle data set, wherever the outer ones lie."""
    middle = normal(40)
    interval = interquartile_mean_interval([middle[:20] - 1e6, middle, middle[20:] + 1e6], seeded())
    alone = mean_interval(middle, seeded())
    assert interval.mean == pytest.approx(middle.mean())
    half = (alone.high - alone.low) / 2
    assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high), abs=0.15 * half)


def test_units_are_resampled_within_their_data_set() -> None:
    """Two certain data sets: however units are drawn, the halves stay halves."""
    interval = interquartile_mean_interval([np.zeros(8), np.ones(8)], seeded())
    assert interval == pytest.approx((0.5, 0.5, 0.5, 16))


def test_one_wild_unit_moves_little() -> None:
    strata = [normal(10), normal(10, seed=1)]
    wild = [strata[0].copy(), strata[1]]
    wild[0][int(strata[0].argmax())] = 1e9
    plain, moved = (interquartile_mean_interval(s, seeded()) for s in (strata, wild))
    assert moved == pytest.approx(plain)


def test_values_that_are_not_finite_are_left_out() -> None:
    a, b = normal(7), normal(8, seed=1)
    interval = interquartile_mean_interval(
        [np.array([np.nan, *a]), np.array([*b, np.inf])], seeded()
    )
    assert interval == interquartile_mean_interval([a, b], seeded())
    assert interval.units == 15


@pytest.mark.parametrize("few", [0, 4])
def test_a_data_set_of_few_units_allows_no_interval(few: int) -> None:
    strata = [normal(20), normal(few, seed=1)]
    interval = interquartile_mean_interval(strata, seeded())
    assert interval.mean == pytest.approx(stats.trim_mean(np.concatenate(strata), 0.25))
    assert np.isnan([interval.low, interval.high]).all()
    assert np.isfinite(interquartile_mean_interval([normal(20), normal(5)], seeded())[:3]).all()


def test_five_units_of_a_single_data_set_have_the_interval_of_a_trimmed_mean() -> None:
    """The middle three are equal in too many resamples: Tukey & McLaughlin's t instead."""
    units = normal(5)
    interval = interquartile_mean_interval([units], seeded())
    winsorised = np.sort(units)[[1, 1, 2, 3, 3]]
    error = np.sqrt(5 * winsorised.var(ddof=1)) / 3
    assert interval.high - interval.mean == pytest.approx(stats.t.isf(0.025, 2) * error)
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)


def test_no_units_have_no_mean() -> None:
    interval = interquartile_mean_interval([np.array([np.nan])], seeded())
    assert np.isnan(interval[:3]).all() and interval.units == 0


def test_no_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="one data set or more; got none"):
        interquartile_mean_interval([], seeded())


def test_a_lower_level_is_narrower() -> None:
    strata = [normal(10), normal(10, seed=1)]
    usual = interquartile_mean_interval(strata, seeded())
    narrow = interquartile_mean_interval(strata, seeded(), level=0.5)
    assert usual.low < narrow.low < narrow.high < usual.high


def test_equal_seeds_give_equal_bytes() -> None:
    strata = [normal(6), normal(7, seed=1)]
    one = interquartile_mean_interval(strata, seeded(1))
    assert one == interquartile_mean_interval(strata, seeded(1))
    assert one.low != interquartile_mean_interval(strata, seeded(2)).low
