"""u_shape: two opposite slopes, both needed, and the price of choosing where they meet."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.u_shape import UShape, p_of_u, u_shape

Array = np.ndarray[Any, Any]

LEVELS = np.array([4.0, 8, 16, 32, 64])
VALLEY = np.array([0.5, 0.1, 0.0, 0.1, 0.5])


def noise(units: int, *, scale: float = 1.0, seed: int = 0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal((units, len(LEVELS)))


def shape_of(values: Array, seed: int = 0) -> UShape:
    return u_shape(values, LEVELS, np.random.default_rng(seed))


def slope(row: Array, which: slice) -> float:
    return float(stats.linregress(np.log2(LEVELS[which]), row[which]).slope)


def p_by_hand(lines: Array, level: int) -> float:
    """Share of sign patterns in which some column's t is at least that seen in column `at`."""
    n = len(lines)

    def t(units: Array) -> Array:
        return np.asarray(units.mean(axis=0) / (units.std(axis=0, ddof=1) / np.sqrt(n)))

    largest = [t(lines * np.array(s)[:, None]).max() for s in product((1, -1), repeat=n)]
    return float(np.mean([x >= t(lines)[level] - 1e-9 for x in largest]))


def test_slopes_and_p_values_from_the_definition() -> None:
    values = VALLEY + noise(8, scale=0.25, seed=22) + noise(8, seed=32)[:, :1]
    lowest = int(values.mean(axis=0).argmin())
    assert lowest == 2
    inner = [1, 2, 3]
    left = np.array([[slope(row, slice(0, b + 1)) for b in inner] for row in values])
    right = np.array([[slope(row, slice(b, None)) for b in inner] for row in values])
    got = shape_of(values)
    assert got.level == 16
    assert (got.left, got.right) == pytest.approx((left[:, 1].mean(), right[:, 1].mean()))
    assert (got.p_left, got.p_right) == (p_by_hand(-left, 1), p_by_hand(right, 1))
    assert got.p_left != got.p_right
    assert got.p_value == max(got.p_left, got.p_right)


def test_a_clear_valley_is_a_u() -> None:
    got = shape_of(VALLEY + noise(10, scale=0.01))
    assert got.left < 0 < got.right
    assert got.p_value == 2**-10


def test_a_clear_fall_to_a_flat_is_none() -> None:
    flat = np.array([2.0, 1, 0, 0, 0]) + noise(10, scale=0.05, seed=1)
    got = shape_of(flat)
    assert got.level in (16, 32)
    assert got.p_left == 2**-10 and got.p_right == got.p_value > 0.05


@pytest.mark.parametrize("tilt", [1, -1])
def test_the_best_level_on_an_edge_shows_no_u(tilt: int) -> None:
    got = shape_of(tilt * np.arange(5.0) + noise(6, scale=0.01))
    assert got.level == (4 if tilt > 0 else 64)
    assert np.isnan([got.left, got.right]).all()
    assert (got.p_left, got.p_right, got.p_value) == (1, 1, 1)


def test_two_levels_show_no_u() -> None:
    got = u_shape(noise(6)[:, :2], LEVELS[:2], np.random.default_rng(0))
    assert got.p_value == 1


def test_units_with_a_hole_are_left_out_and_counted() -> None:
    values = VALLEY + noise(8, scale=0.1)
    holes = np.insert(values, 3, np.array([0, np.nan, 0, 0, 0]), axis=0)
    got = shape_of(holes)
    assert (got.units, got.left_out) == (8, 1)
    assert got[:6] == shape_of(values)[:6]


def test_no_units_have_no_shape() -> None:
    got = shape_of(np.full((2, 5), np.nan))
    assert np.isnan(got[:6]).all() and (got.units, got.left_out) == (0, 2)


def test_equal_seeds_give_equal_p_values() -> None:
    values = VALLEY + noise(16, scale=0.6)
    assert shape_of(values, 1) == shape_of(values, 1)
    assert shape_of(values, 1).p_value != shape_of(values, 2).p_value


def test_samples_side_by_side_have_the_p_value_of_each_alone() -> None:
    """Fewer than 14 units draw no random flips; one sample is lowest at an end."""
    falling = np.array([0.9, 0.7, 0.5, 0.3, 0.1])
    curves = (VALLEY, 0 * VALLEY, falling)
    samples = np.stack([curve + noise(8, scale=0.3, seed=i) for i, curve in enumerate(curves)])
    together = p_of_u(samples, LEVELS, np.random.default_rng(0))
    assert together == pytest.approx([shape_of(values).p_value for values in samples])
    assert together[0] < 0.05 and together[2] == 1
