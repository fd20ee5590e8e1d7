"""Holm against statsmodels, and simultaneous bands against one interval and the normal limit."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.largest_t import largest_t
from caviar.analysis.statistics.multiplicity import holm, simultaneous_bands

Array = np.ndarray[Any, Any]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module", autouse=True)
def no_collection() -> Iterator[None]:
    """statsmodels looks for garbage at every call, which takes half a second here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda: 0)
        yield


def test_holm_by_hand() -> None:
    """Sorted 0.01, 0.02, 0.03, 0.9 times 4, 3, 2, 1, never falling."""
    adjusted = holm(np.array([0.03, 0.01, 0.9, 0.02]))
    assert adjusted == pytest.approx([0.06, 0.04, 0.9, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(np.array(p_values)), expected, atol=1e-12)


def test_a_test_without_a_p_value_does_not_count() -> None:
    adjusted = holm(np.array([0.02, np.nan, 0.01]))
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.02])
    assert np.isnan(adjusted[1])


def test_an_empty_family_stays_empty() -> None:
    assert holm(np.array([])).shape == (0,)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_holm_refuses_what_is_no_p_value(wrong: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1.*{wrong}"):
        holm(np.array([0.5, wrong]))


def test_a_band_of_one_column_is_its_interval() -> None:
    """The same bootstrap on other draws: outer quantiles of 4000 agree within 4 z, 6 %."""
    values = np.random.default_rng(1).exponential(size=(30, 1))
    bands = simultaneous_bands(values, seeded())
    one = mean_interval(values[:, 0], seeded(1))
    half = (one.high - one.low) / 2
    assert bands.mean[0] == pytest.approx(one.mean)
    assert bands.low[0] == pytest.approx(one.low, abs=0.12 * half)
    assert bands.high[0] == pytest.approx(one.high, abs=0.12 * half)


def test_many_independent_columns_have_the_normal_limit() -> None:
    """P(all k inside) = (1 - 2a)^k for symmetric bands at the normal quantile of a; 4 z of 4000
    resamples is 0.16 standard errors at the outer quantiles of the maximum."""
    n, k = 3000, 10
    values = normal(n, k)
    bands = simultaneous_bands(values, seeded())
    # The largest of k stays below q with probability 0.975.
    q = stats.norm.ppf(0.975 ** (1 / k))
    error = values.std(axis=0, ddof=1) / np.sqrt(n)
    np.testing.assert_allclose((bands.high - bands.mean) / error, q, atol=0.16)
    np.testing.assert_allclose((bands.mean - bands.low) / error, q, atol=0.16)


def test_columns_that_move_together_need_no_wider_band() -> None:
    one = normal(40, 1)
    alone = simultaneous_bands(one, seeded())
    copies = simultaneous_bands(np.hstack([one, 3 * one, one + 7]), seeded())
    # Student's t of one column is exact, the largest of several is drawn.
    assert copies.low[0] == pytest.approx(alone.low[0], rel=0.05)
    assert copies.high - copies.mean == pytest.approx(
        np.array([1, 3, 1]) * (alone.high - alone.mean), rel=0.05
    )


def test_a_long_right_tail_stretches_the_band_to_the_right() -> None:
    values = np.random.default_rng(2).exponential(size=(20, 3))
    bands = simultaneous_bands(values, seeded())
    assert (bands.high - bands.mean > 1.2 * (bands.mean - bands.low)).all()


def test_a_lower_level_is_narrower() -> None:
    values = normal(15, 4)
    usual, narrow = (simultaneous_bands(values, seeded(), level=p) for p in (0.95, 0.8))
    assert (usual.low < narrow.low).all() and (narrow.high < usual.high).all()


def test_equal_units_are_certain_and_leave_the_others_alone() -> None:
    values = normal(9, 2)
    bands = simultaneous_bands(np.hstack([values, np.full((9, 1), 0.3)]), seeded())
    assert (bands.low[2], bands.high[2]) == pytest.approx((0.3, 0.3))
    without = simultaneous_bands(values, seeded())
    np.testing.assert_allclose(bands.low[:2], without.low, rtol=0.05)


def test_units_with_a_hole_are_left_out_and_counted() -> None:
    values = normal(9, 3)
    holes = np.insert(values, [2, 5], [[np.nan, 0, 0], [0, 0, np.inf]], axis=0)
    bands, whole = (simultaneous_bands(v, seeded()) for v in (holes, values))
    assert (bands.units, bands.left_out) == (9, 2)
    np.testing.assert_array_equal(bands.high, whole.high)


@pytest.mark.parametrize("units", [1, 4])
def test_few_units_have_means_but_no_bands(units: int) -> None:
    values = normal(units, 3)
    bands = simultaneous_bands(values, seeded())
    np.testing.assert_array_equal(bands.mean, values.mean(axis=0))
    assert np.isnan(bands.low).all() and np.isnan(bands.high).all()


def test_no_units_have_nothing() -> None:
    bands = simultaneous_bands(np.full((3, 2), np.nan), seeded())
    assert np.isnan(bands.mean).all() and (bands.units, bands.left_out) == (0, 3)


def test_equal_seeds_give_equal_bytes() -> None:
    values = normal(8, 3)
    first, again, other = (simultaneous_bands(values, seeded(s)).low.tobytes() for s in (3, 3, 4))
    assert first == again != other


def test_samples_side_by_side_have_the_bands_of_each_alone() -> None:
    samples = normal(3, 8, 4)
    together = simultaneous_bands(samples, seeded())
    for i, values in enumerate(samples):
        alone = simultaneous_bands(values, seeded())
        for bound in ("mean", "low", "high"):
            np.testing.assert_allclose(getattr(together, bound)[i], getattr(alone, bound))
    assert (together.units, together.left_out) == (8, 0)


def test_bands_of_units_that_tie_are_finite() -> None:
    values = np.column_stack([np.r_[np.zeros(7), 1.0], normal(8)])
    bands = simultaneous_bands(values, seeded())
    assert np.isfinite([bands.low, bands.high]).all()
    t = largest_t(values, seeded(), 0.025)
    assert bands.high - bands.mean == pytest.approx(t * stats.sem(values), rel=0.1)
