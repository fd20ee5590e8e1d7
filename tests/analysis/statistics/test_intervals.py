"""Intervals of a mean and of a difference: seeds, what is left out, SciPy, and coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.intervals import (
    FEWEST,
    Interval,
    difference_interval,
    mean_interval,
    mean_intervals,
    t_quantile,
    t_tail,
)

Array = np.ndarray[Any, Any]
Estimate = Callable[[Array, np.random.Generator], Interval]


def difference(values: Array, generator: np.random.Generator) -> Interval:
    """The interval of `values` less twelve fixed others."""
    return difference_interval(values, normal(12, seed=77), generator)


BOTH = pytest.mark.parametrize("estimate", [mean_interval, difference])


def normal(n: int, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(n)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _bytes(interval: Interval) -> bytes:
    return np.array(interval).tobytes()


@BOTH
def test_equal_seeds_give_equal_bytes(estimate: Estimate) -> None:
    values = normal(9)
    first, again = (estimate(values, seeded(3)) for _ in range(2))
    other = estimate(values, seeded(4))
    assert _bytes(first) == _bytes(again)
    assert other.mean == first.mean
    assert (other.low, other.high) != (first.low, first.high)


@BOTH
def test_the_generator_is_the_only_source_of_chance(estimate: Estimate) -> None:
    generator = seeded()
    first = estimate(normal(9), generator)
    later = estimate(normal(9), generator)
    assert (first.low, first.high) != (later.low, later.high)


@BOTH
def test_values_that_are_not_finite_are_left_out(estimate: Estimate) -> None:
    values = normal(7)
    holes = np.array([np.nan, *values[:3], np.inf, *values[3:], -np.inf])
    assert _bytes(estimate(holes, seeded())) == _bytes(estimate(values, seeded()))
    assert estimate(holes, seeded()).units == 7


@BOTH
@pytest.mark.parametrize("units", range(1, FEWEST))
def test_too_few_units_have_a_mean_but_no_interval(estimate: Estimate, units: int) -> None:
    interval = estimate(np.array([*normal(units), np.nan]), seeded())
    assert np.isfinite(interval.mean)
    assert np.isnan(interval.low) and np.isnan(interval.high)
    assert interval.units == units


@BOTH
def test_five_units_have_an_interval(estimate: Estimate) -> None:
    interval = estimate(normal(5), seeded())
    assert interval.low < interval.mean < interval.high


@BOTH
def test_no_units_have_no_mean(estimate: Estimate) -> None:
    interval = estimate(np.array([np.nan, np.inf]), seeded())
    assert np.isnan(interval[:3]).all()
    assert interval.units == 0


def test_few_units_on_either_side_give_no_interval() -> None:
    interval = difference_interval(normal(4), normal(30, seed=1), seeded())
    assert np.isnan(interval.low) and interval.units == 4
    interval = difference_interval(normal(30, seed=1), normal(4), seeded())
    assert np.isnan(interval.low) and interval.units == 4


@pytest.mark.parametrize("n", [5, 7, 20])
def test_equal_values_are_certain(n: int) -> None:
    same = np.full(n, 0.1)
    assert mean_interval(same, seeded()) == pytest.approx((0.1, 0.1, 0.1, n), abs=1e-15)
    interval = difference_interval(same, np.full(n, 0.3), seeded())
    assert interval == pytest.approx((-0.2, -0.2, -0.2, n), abs=1e-15)


def test_the_mean_is_of_the_first_less_the_second() -> None:
    a, b = normal(8) + 5, normal(11, seed=1)
    interval = difference_interval(a, b, seeded())
    assert interval.mean == a.mean() - b.mean()
    assert interval.units == 8


def test_intervals_move_and_stretch_with_the_values() -> None:
    values = normal(10)
    plain = mean_interval(values, seeded())
    moved = mean_interval(4 * values + 1024, seeded())
    assert moved[:3] == pytest.approx([4 * x + 1024 for x in plain[:3]])


def test_mirrored_values_have_the_mirrored_interval() -> None:
    values = np.random.default_rng(5).exponential(size=12)
    plain, mirrored = mean_interval(values, seeded()), mean_interval(-values, seeded())
    assert (mirrored.low, mirrored.high) == pytest.approx((-plain.high, -plain.low))


def test_each_end_is_the_farther_of_students_and_the_resampled_one() -> None:
    """A long right tail: resamples move the high end away, and would move the low one nearer."""
    values = np.random.default_rng(2).exponential(size=20)
    interval = mean_interval(values, seeded())
    student = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert interval.low == pytest.approx(student.low)
    assert interval.high - interval.mean > 1.2 * (student.high - interval.mean)


def test_a_difference_has_welchs_ends_where_resamples_are_nearer() -> None:
    a, b = 3 * np.random.default_rng(2).exponential(size=20), normal(7)
    interval = difference_interval(a, b, seeded())
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert interval.low == pytest.approx(welch.low)
    assert interval.high > welch.high


def test_a_lower_level_is_narrower() -> None:
    values = normal(15)
    wide = mean_interval(values, seeded(), level=0.99)
    usual = mean_interval(values, seeded())
    narrow = mean_interval(values, seeded(), level=0.5)
    assert wide.low < usual.low < narrow.low < narrow.high < usual.high < wide.high


def test_many_units_give_the_t_interval() -> None:
    """Within four errors of an outer quantile of 4000 resamples, 0.04 standard errors each."""
    values = normal(3000)
    interval = mean_interval(values, seeded())
    low, high = stats.t.interval(0.95, 2999, values.mean(), stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.17 * stats.sem(values))


def test_many_independent_units_give_welchs_interval() -> None:
    a, b = 3 * normal(2000), normal(1000, seed=1)
    interval = difference_interval(a, b, seeded())
    welch = stats.ttest_ind(a, b, equal_var=False)
    low, high = welch.confidence_interval()
    error = (high - low) / 4
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.17 * error)


@pytest.mark.parametrize("n", [30, 60])
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_agrees_with_the_farther_of_bca_and_student(n: int, law: str) -> None:
    values = getattr(np.random.default_rng(n), law)(size=n)
    interval = mean_interval(values, seeded())
    bca = stats.bootstrap((values,), np.mean, method="BCa", rng=seeded(1)).confidence_interval
    student = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    half = (bca.high - bca.low) / 2
    assert interval.low == pytest.approx(min(bca.low, student.low), abs=0.25 * half)
    assert interval.high == pytest.approx(max(bca.high, student.high), abs=0.25 * half)


def test_a_difference_of_means_agrees_with_bca() -> None:
    a, b = normal(40) + 1, np.random.default_rng(1).exponential(size=50)
    interval = difference_interval(a, b, seeded())

    def statistic(x: Array, y: Array, axis: int) -> Any:
        return x.mean(axis=axis) - y.mean(axis=axis)

    bca = stats.bootstrap((a, b), statistic, method="BCa", rng=seeded(1)).confidence_interval
    half = (bca.high - bca.low) / 2
    assert (interval.low, interval.high) == pytest.approx((bca.low, bca.high), abs=0.25 * half)


def test_an_interval_reaches_past_its_mean_when_most_units_are_equal() -> None:
    interval = mean_interval(np.array([0.0, 0, 0, 0, 1]), seeded())
    assert interval.low < interval.mean < interval.high


def test_values_that_differ_by_rounding_are_certain() -> None:
    values = np.array([0.125] * 5 + [np.nextafter(0.125, 1)])
    interval = mean_interval(values, seeded())
    assert (interval.low, interval.high) == pytest.approx((0.125, 0.125))


def test_many_means_have_the_bytes_of_one_at_a_time() -> None:
    """Whatever stands before them: counts that return, gaps, too few, none, all equal."""
    gap = np.array([np.nan, *normal(7, seed=3), np.inf])
    samples = [normal(n, seed=n) for n in (20, 5, 20, 4, 7, 20, 1, 100)]
    samples += [gap, np.array([]), np.full(6, 0.25), normal(5, seed=9) * 1e-6]
    many = mean_intervals(samples, 7)
    assert len(many) == len(samples)
    for interval, values in zip(many, samples, strict=True):
        assert _bytes(interval) == _bytes(mean_interval(values, seeded(7)))
    assert _bytes(mean_intervals(samples, 8)[0]) != _bytes(many[0])


@pytest.mark.parametrize(("deviation", "n", "m"), [(1, 5, 5), (3, 8, 20)])
def test_differences_of_independent_units_cover_the_truth(deviation: float, n: int, m: int) -> None:
    """Of 500 shares, one error is 1 %; means and paired differences are in tests/inference."""
    nature, resampling = np.random.default_rng(2), np.random.default_rng(98)
    sides = deviation * nature.standard_normal((500, n)), nature.standard_normal((500, m))
    intervals = [difference_interval(a, b, resampling) for a, b in zip(*sides, strict=True)]
    assert 0.925 <= np.mean([i.low <= 0 <= i.high for i in intervals]) <= 0.985


@pytest.mark.parametrize("n", [5, 8])
def test_units_that_tie_have_students_interval_and_no_infinite_end(n: int) -> None:
    units = np.r_[np.zeros(n - 1), 1.0]  # a resample without the 1 has no spread
    interval = mean_interval(units, seeded())
    student = stats.ttest_1samp(units, 0.0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((student.low, student.high))
    apart = difference_interval(units, normal(n), seeded())
    assert np.isfinite([apart.low, apart.high]).all()


@pytest.mark.parametrize("share", [1e-6, 0.005, 0.025, 0.5, 0.975])
def test_quantiles_of_t_are_the_bits_of_scipys(share: float) -> None:
    freedom = np.concatenate([np.arange(1.0, 200.0), np.random.default_rng(0).uniform(0.5, 50, 99)])
    np.testing.assert_array_equal(t_quantile(share, freedom), stats.t.ppf(share, freedom))
    np.testing.assert_array_equal(-t_quantile(share, freedom), stats.t.isf(share, freedom))


@pytest.mark.parametrize("t", [0.0, 0.1, 2.3, 40.0, np.inf])
def test_tails_of_t_are_the_bits_of_scipys(t: float) -> None:
    assert [t_tail(t, df) for df in (1, 4.5, 7, 300)] == list(stats.t.sf(t, [1, 4.5, 7, 300]))
