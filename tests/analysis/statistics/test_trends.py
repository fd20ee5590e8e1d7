"""Slopes against SciPy's regression, Page's L against SciPy and enumeration, ties and holes."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.resampling import RESAMPLES
from caviar.analysis.statistics.sign_flip import sign_flip
from caviar.analysis.statistics.trends import page, slopes, trend

Array = np.ndarray[Any, Any]

LEVELS = np.array([4.0, 8, 32, 256])


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_slopes_are_those_of_scipys_regression_a_unit() -> None:
    values = normal(6, 4)
    expected = [stats.linregress(np.log2(LEVELS), row).slope for row in values]
    assert slopes(values, LEVELS) == pytest.approx(expected, rel=1e-12)


def test_the_slope_is_a_doublings() -> None:
    assert slopes(np.array([[1.0, 4.0, 7.0]]), np.array([2.0, 4, 8])) == pytest.approx([3])


@pytest.mark.parametrize("wrong", [[8.0], [0.0, 8.0], [-4.0, 8.0]])
def test_levels_without_a_slope_are_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="two or more positive levels; got"):
        slopes(normal(3, len(wrong)), np.array(wrong))


def test_a_trend_is_an_interval_over_slopes() -> None:
    values = normal(12, 4) + 0.3 * np.log2(LEVELS)
    each = np.array([stats.linregress(np.log2(LEVELS), row).slope for row in values])
    slope = trend(values, LEVELS, seeded(2))
    assert slope[:3] == pytest.approx(mean_interval(each, seeded(2))[:3])
    assert slope.p_value == sign_flip(each, seeded()).p_value
    assert (slope.units, slope.left_out) == (12, 0)


def test_offsets_of_units_do_not_matter() -> None:
    values = normal(9, 4)
    moved = trend(values + 100 * normal(9, 1, seed=5), LEVELS, seeded())
    assert moved == pytest.approx(trend(values, LEVELS, seeded()), rel=1e-9)


def test_a_unit_with_a_hole_has_no_slope() -> None:
    values = normal(7, 4)
    values[3, 1] = np.inf
    slope = trend(values, LEVELS, seeded())
    assert (slope.units, slope.left_out) == (6, 1)
    assert slope[:4] == trend(np.delete(values, 3, axis=0), LEVELS, seeded())[:4]


def test_few_units_have_a_slope_without_an_interval() -> None:
    values = normal(4, 4)
    slope = trend(values, LEVELS, seeded())
    assert slope.mean == pytest.approx(slopes(values, LEVELS).mean())
    assert np.isnan([slope.low, slope.high]).all()
    none = trend(np.full((2, 4), np.nan), LEVELS, seeded())
    assert np.isnan(none[:4]).all() and none.left_out == 2


def test_a_trends_level_is_that_of_its_interval() -> None:
    values = normal(9, 4)
    wide, narrow = (trend(values, LEVELS, seeded(), level=p) for p in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("units", "levels"), [(2, 3), (6, 7), (20, 8)])
def test_without_ties_page_is_scipys_exact_test(units: int, levels: int) -> None:
    values = normal(units, levels, seed=1) + 0.1 * np.arange(levels)
    tested = page(values, seeded())
    rise = stats.page_trend_test(values, method="exact")
    fall = stats.page_trend_test(-values, method="exact")
    assert tested.exact
    assert tested.statistic == rise.statistic
    assert (tested.p_rise, tested.p_fall) == pytest.approx((rise.pvalue, fall.pvalue), abs=1e-12)
    assert tested.p_value == pytest.approx(min(1, 2 * min(rise.pvalue, fall.pvalue)), abs=1e-12)


def enumerated(values: Array) -> tuple[float, float, float]:
    """L and the shares of all orders within units that are as high, and as low."""
    ranks = stats.rankdata(values, axis=1)
    position = np.arange(1, values.shape[1] + 1)
    rows = [[float(np.dot(order, position)) for order in permutations(row)] for row in ranks]
    observed = float((ranks @ position).sum())
    all_orders = np.array([sum(each) for each in product(*rows)])
    return observed, float((all_orders >= observed).mean()), float((all_orders <= observed).mean())


def test_ties_are_held_against_all_orders_within_4_z() -> None:
    values = np.array([[1.0, 1, 2, 2], [0, 0, 0, 3], [1, 2, 1, 3]])
    observed, rise, fall = enumerated(values)
    tested = page(values, seeded())
    assert not tested.exact and tested.statistic == observed
    assert 0.01 < rise < 0.2
    for p, truth in ((tested.p_rise, rise), (tested.p_fall, fall)):
        assert p == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / RESAMPLES))


@pytest.mark.parametrize("shape", [(21, 4), (6, 9)])
def test_what_is_too_large_for_all_orders_agrees_with_scipy_within_4_z(
    shape: tuple[int, int],
) -> None:
    values = normal(*shape, seed=1) + 0.04 * np.arange(shape[1])
    tested = page(values, seeded())
    truth = float(stats.page_trend_test(values, method="exact").pvalue)
    assert not tested.exact and 0.01 < truth < 0.5
    assert tested.p_rise == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / RESAMPLES))


def test_random_orders_count_what_was_seen() -> None:
    tested = page(np.tile(np.arange(9.0), (12, 1)), seeded())
    assert tested.p_rise == 1 / (RESAMPLES + 1) and tested.p_fall == 1


def test_all_values_equal_show_no_order() -> None:
    tested = page(np.ones((5, 4)), seeded())
    assert (tested.p_rise, tested.p_fall, tested.p_value) == (1, 1, 1)


def test_means_of_equal_counts_tie() -> None:
    """Shares of 1437 examples, averaged over five draws: equal sums of hits have one rank."""
    hits = np.random.default_rng(0).integers(1290, 1300, (20, 6, 5))
    means = (hits / 1437).sum(axis=-1) / 5
    counts = hits.sum(axis=-1).astype(float)
    untied = stats.rankdata(means, axis=1) != stats.rankdata(counts, axis=1)
    assert untied.any(), "every tie survived rounding: the test shows nothing"
    assert page(means, seeded()) == page(counts, seeded())


def test_page_sees_ranks_within_units_alone() -> None:
    values = normal(8, 5)
    again = page(np.exp(values) * 7 + 1000 * np.arange(8)[:, None], seeded())
    assert again == page(values, seeded())


def test_page_leaves_out_units_with_a_hole() -> None:
    values = normal(7, 4)
    values[2, 0] = np.nan
    tested = page(values, seeded())
    assert (tested.units, tested.left_out) == (6, 1)
    assert tested[:4] == page(np.delete(values, 2, axis=0), seeded())[:4]
    none = page(values[2:3], seeded())
    assert np.isnan(none[:4]).all() and (none.units, none.left_out) == (0, 1)


def test_a_single_unit_is_held_against_its_own_orders_within_4_z() -> None:
    tested = page(np.array([[1.0, 2.0, 3.0]]), seeded())
    assert tested.p_rise == pytest.approx(1 / 6, abs=4 * np.sqrt(5 / 36 / RESAMPLES))


def test_equal_seeds_give_equal_bytes() -> None:
    values = normal(25, 4)
    one = page(values, seeded(1))
    assert one == page(values, seeded(1))
    assert one.p_rise != page(values, seeded(2)).p_rise
