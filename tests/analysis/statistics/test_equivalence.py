"""Equivalence within a margin: against statsmodels, and a verdict that interval and test share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from caviar.analysis.statistics.equivalence import equivalence
from caviar.analysis.statistics.intervals import mean_interval

Array = np.ndarray[Any, Any]


def normal(n: int, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(n)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("shift", [-0.8, 0.0, 0.3, 2.0])
def test_the_p_value_is_statsmodels(n: int, shift: float) -> None:
    a, b = normal(n) + shift, 0.3 * normal(n, seed=1)
    expected = ttost_paired(a, b, -0.9, 0.9)[0]
    assert equivalence(a - b, 0.9, seeded()).p_value == pytest.approx(expected, rel=1e-9)


def test_the_interval_is_that_of_twice_alpha() -> None:
    values = normal(12)
    tested = equivalence(values, 1, seeded(5), alpha=0.1)
    assert tested[:3] == mean_interval(values, seeded(5), level=0.8)[:3]
    assert tested.margin == 1


@pytest.mark.parametrize(("shift", "equivalent"), [(0, True), (0.7, False), (-0.7, False)])
def test_a_mean_near_either_margin_is_not_equivalent(shift: float, equivalent: bool) -> None:
    tested = equivalence(0.2 * normal(10) + shift, 0.7, seeded())
    assert tested.equivalent is equivalent


def test_far_beyond_the_margin_p_is_near_one() -> None:
    tested = equivalence(0.1 * normal(8) + 3, 0.5, seeded())
    assert tested.p_value > 0.999 and tested.equivalent is False


@pytest.mark.parametrize("sign", [-1, 1])
def test_skewed_units_need_the_interval_too(sign: int) -> None:
    """The t test alone is sure; the bootstrap sees that the tail reaches past the margin."""
    values = sign * np.array([0.0, 0.01, 0, 0.02, 0.01, 0, 0.03, 0, 0.02, 2.0])
    tested = equivalence(values, 0.62, seeded())
    assert tested.p_value < 0.05
    assert max(-tested.low, tested.high) > 0.62 > min(-tested.low, tested.high)
    assert tested.equivalent is False


def test_units_that_mostly_tie_are_not_called_equivalent() -> None:
    """A third of the resamples miss the only unit that differs, and so say nothing of its like."""
    tested = equivalence(np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 2.0]), 0.6, seeded())
    assert tested.p_value < 0.05 and -0.6 < tested.low and tested.high < 0.6
    assert tested.equivalent is False


def test_an_interval_inside_means_that_the_test_is_sure() -> None:
    """A long left tail: resamples end early on the right, where the t test is not yet sure."""
    values = np.array([9.9, 9.8, 9.9, 9.7, 9.9, 9.5, 9.9, 9.8, 8.0, 9.9])
    high = mean_interval(values, seeded(), level=0.9).high
    sure, unsure = (equivalence(values, high + by, seeded()) for by in (0.001, -0.001))
    assert sure.equivalent and sure.p_value < 0.05
    assert not unsure.equivalent and unsure.p_value > 0.05


def test_few_units_are_never_called_equivalent() -> None:
    tested = equivalence(1e-9 * normal(4), 1, seeded())
    assert tested.p_value < 1e-9 and np.isnan(tested.low)
    assert tested.equivalent is False and tested.units == 4


@pytest.mark.parametrize(
    ("difference", "p", "equivalent"),
    [(0.0, 0, True), (0.1, 0, True), (0.7, 1, False), (0.5, 1, False), (-0.5, 1, False)],
)
def test_equal_units_are_certain(difference: float, p: float, equivalent: bool) -> None:
    tested = equivalence(np.full(6, difference), 0.5, seeded())
    assert (tested.p_value, tested.equivalent) == (p, equivalent)


def test_values_that_are_not_finite_are_left_out_and_counted() -> None:
    values = normal(7)
    tested = equivalence(np.array([np.nan, *values, np.inf]), 2, seeded())
    assert (tested.units, tested.left_out) == (7, 2)
    assert tested[:4] == equivalence(values, 2, seeded())[:4]


def test_a_single_unit_has_no_test() -> None:
    tested = equivalence(np.array([0.1]), 1, seeded())
    assert tested.mean == 0.1 and np.isnan(tested.p_value) and tested.equivalent is False


@pytest.mark.parametrize("margin", [0, -1, np.nan, np.inf])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin must be a positive number"):
        equivalence(normal(6), margin, seeded())


def test_equal_seeds_give_equal_bytes() -> None:
    values = normal(9)
    one = equivalence(values, 1, seeded(1))
    assert one == equivalence(values, 1, seeded(1))
    assert one.high != equivalence(values, 1, seeded(2)).high


def test_accuracies_that_tie_at_every_seed_are_no_evidence() -> None:
    """One test example of 36 in one seed of ten: the mean, 0.0028, lies outside a margin of 0.002,
    and 8 seeds hold only zeros in 0.9^8 = 43 % of runs."""
    rng = np.random.default_rng(0)
    runs = (rng.random((400, 8)) < 0.1) / 36
    called = [equivalence(one, 0.002, seeded(), lattice=True).equivalent for one in runs]
    assert np.mean(called) <= 0.025
    tied = np.zeros(8)
    assert equivalence(tied, 0.002, seeded()).equivalent
    assert not equivalence(np.full(8, np.nan), 0.002, seeded(), lattice=True).equivalent
