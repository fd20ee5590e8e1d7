"""Sign flips: against enumeration in exact arithmetic, against SciPy, and by the +1 rule."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from caviar.analysis.statistics.sign_flip import (
    EXACT_BELOW,
    FLIPS,
    family_above,
    family_two_sided,
    sign_flip,
    units_to_reach,
)

Array = np.ndarray[Any, Any]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def enumerated(counts: list[int]) -> tuple[Fraction, Fraction, Fraction]:
    """Two-sided, above and below, over all sign patterns in whole numbers."""
    observed = sum(counts)
    sums = [
        sum(s * c for s, c in zip(signs, counts, strict=True))
        for signs in product((1, -1), repeat=len(counts))
    ]
    shares = (
        sum(abs(s) >= abs(observed) for s in sums),
        sum(s >= observed for s in sums),
        sum(s <= observed for s in sums),
    )
    two_sided, above, below = (Fraction(share, len(sums)) for share in shares)
    return two_sided, above, below


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9), st.sampled_from([1, 3, 517]))
def test_p_values_are_shares_of_all_patterns_ties_included(counts: list[int], by: int) -> None:
    """Differences of accuracies are multiples of 1/517, so that patterns tie but for rounding."""
    tested = sign_flip(np.array(counts) / by, seeded())
    expected = tuple(float(p) for p in enumerated(counts))
    assert (tested.p_value, tested.p_above, tested.p_below) == pytest.approx(expected, abs=1e-15)
    assert tested.exact


@pytest.mark.parametrize("n", [2, 5, 10, 13])
def test_exact_p_values_are_scipys(n: int) -> None:
    values = normal(n, seed=n) + 0.4
    tested = sign_flip(values, seeded())
    for p, alternative in (
        (tested.p_value, "two-sided"),
        (tested.p_above, "greater"),
        (tested.p_below, "less"),
    ):
        second = stats.permutation_test(
            (values,),
            np.mean,
            permutation_type="samples",
            n_resamples=np.inf,
            alternative=alternative,
            vectorized=True,
        )
        assert p == pytest.approx(second.pvalue, abs=1e-15)


@pytest.mark.parametrize("n", [EXACT_BELOW, 30])
def test_random_flips_agree_with_scipys_within_4_z(n: int) -> None:
    values = normal(n, seed=n) + 0.3
    tested = sign_flip(values, seeded())
    second = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=FLIPS, rng=seeded(1)
    )
    assert not tested.exact
    p = tested.p_value
    assert 0.005 < p < 0.5
    assert p == pytest.approx(second.pvalue, abs=4 * np.sqrt(2 * p * (1 - p) / FLIPS))


def test_the_generator_is_not_drawn_from_below_fourteen_units() -> None:
    generator = seeded()
    assert sign_flip(normal(13), generator).exact
    assert generator.bit_generator.state == seeded().bit_generator.state


def test_random_flips_count_what_was_seen() -> None:
    """No random pattern of 40 is as far out as all signs equal; without the one seen, p = 0."""
    tested = sign_flip(np.full(40, 0.1), seeded())
    assert tested.p_value == tested.p_above == 1 / (FLIPS + 1)
    assert tested.p_below == 1


def test_the_mean_and_what_is_left_out() -> None:
    values = np.array([1.0, np.nan, 2.0, -np.inf, 4.5])
    tested = sign_flip(values, seeded())
    assert (tested.mean, tested.units, tested.left_out) == (2.5, 3, 2)
    assert tested.p_value == sign_flip(values[[0, 2, 4]], seeded()).p_value == 0.25


def test_no_difference_anywhere_has_p_1() -> None:
    tested = sign_flip(np.zeros(6), seeded())
    assert (tested.p_value, tested.p_above, tested.p_below) == (1, 1, 1)


def test_no_units_have_no_p_value() -> None:
    tested = sign_flip(np.array([np.nan]), seeded())
    assert np.isnan(tested[:4]).all() and (tested.units, tested.left_out) == (0, 1)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_the_unit_of_measurement_does_not_matter(scale: float) -> None:
    values = np.array([0.1, 0.2, -0.3, 0.4, 0.1])
    assert sign_flip(scale * values, seeded())[1:] == sign_flip(values, seeded())[1:]


def family_by_hand(values: Array) -> list[float]:
    n = len(values)

    def t(units: Array) -> Array:
        return np.asarray(units.mean(axis=0) / (units.std(axis=0, ddof=1) / np.sqrt(n)))

    observed = t(values)
    largest = [t(values * np.array(s)[:, None]).max() for s in product((1, -1), repeat=n)]
    return [float(np.mean([x >= s - 1e-9 for x in largest])) for s in observed]


def test_a_family_is_held_against_its_largest_t() -> None:
    """Columns of unlike spread: a maximum of means instead of t would be the widest column's."""
    values = (normal(7, 4) + np.array([0.9, 0.5, 0.0, 1.2])) * [1e-3, 1, 1e3, 10]
    assert list(family_above(values, seeded())) == pytest.approx(family_by_hand(values))


def test_a_family_of_one_is_the_test_above_zero() -> None:
    values = normal(9) + 0.5
    assert family_above(values[:, None], seeded())[0] == sign_flip(values, seeded()).p_above


def test_copies_cost_nothing_and_strangers_do() -> None:
    one = normal(10, 1) + 0.6
    alone = family_above(one, seeded())[0]
    assert family_above(np.hstack([one, 5 * one]), seeded()) == pytest.approx([alone, alone])
    assert family_above(np.hstack([one, normal(10, 3, seed=5)]), seeded())[0] > alone


def test_a_column_of_zeros_shows_nothing() -> None:
    """Every pattern's largest is at least the zero that such a column has."""
    values = np.hstack([np.zeros((6, 1)), np.ones((6, 1))])
    assert list(family_above(values, seeded())) == [1, 1 / 64]


def test_equal_seeds_give_equal_bytes() -> None:
    values = normal(20) + 0.3
    first, again, other = (sign_flip(values, seeded(s)) for s in (1, 1, 2))
    assert first == again and first.p_value != other.p_value


def test_eight_units_that_all_agree_count_in_a_family_of_any_size() -> None:
    """Holm's p of seven columns cannot fall below 7/128 with eight units."""
    agreeing = 0.1 + np.abs(normal(8, 7))
    assert family_two_sided(agreeing, seeded()).tolist() == [2 / 2**8] * 7
    assert [units_to_reach(alpha) for alpha in (0.05, 0.0625, 0.01)] == [6, 5, 8]


def test_a_family_steps_down_over_every_pattern() -> None:
    values = normal(6, 3, seed=2) + np.array([1.5, 0.0, 0.6])
    values[2, 1] = np.nan
    scaled = np.nan_to_num(values) / np.sqrt(np.nansum(values**2, axis=0))
    sums = np.abs(np.array(list(product((1, -1), repeat=6))) @ scaled)
    observed = np.abs(scaled.sum(axis=0))
    order, smallest, expected = observed.argsort()[::-1], 0.0, np.empty(3)
    for i, column in enumerate(order):
        p = np.mean(sums[:, order[i:]].max(axis=1) >= observed[column] - 1e-9)
        smallest = expected[column] = max(smallest, p)
    assert family_two_sided(values, seeded()) == pytest.approx(expected)
    assert np.isnan(family_two_sided(np.full((6, 1), np.nan), seeded())).all()


def test_a_family_of_one_is_the_test_itself() -> None:
    values = normal(9, 1) + 0.3
    assert family_two_sided(values, seeded())[0] == sign_flip(values[:, 0], seeded()).p_value
