"""best_range: which levels can be ruled out, and whether the rest reach an edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.best_level import BestRange, best_range, range_of_best
from caviar.analysis.statistics.resampling import RESAMPLES

Array = np.ndarray[Any, Any]

LEVELS = np.array([4.0, 8, 16, 32, 64])
VALLEY = np.array([0.5, 0.1, 0.0, 0.1, 0.5])


def noise(units: int, *, scale: float = 1.0, seed: int = 0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal((units, len(LEVELS)))


def range_of(values: Array, seed: int = 0, **options: float) -> BestRange:
    return best_range(values, LEVELS, np.random.default_rng(seed), **options)


def by_hand(values: Array, seed: int) -> list[float]:
    """For each level the share of resamples whose largest t is below the one seen, pair by pair
    and resample by resample from the definition."""
    n, k = values.shape
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)

    def t(units: Array, this: int, other: int, centre: float) -> float:
        d = units[:, this] - units[:, other]
        error = d.std(ddof=1) / np.sqrt(n)
        away = float(d.mean() - centre)
        return away / error if error > 1e-12 else float(np.copysign(np.inf, away))

    drawn = [np.repeat(values, count, axis=0) for count in counts]
    below = []
    for this in range(k):
        others = [j for j in range(k) if j != this]
        centre = {j: float((values[:, this] - values[:, j]).mean()) for j in others}
        observed = max(t(values, this, j, 0) for j in others)
        resampled = [max(t(r, this, j, centre[j]) for j in others) for r in drawn]
        below.append(float(np.mean([r < observed for r in resampled])))
    return below


def test_a_level_is_ruled_out_when_its_t_is_beyond_that_share_of_resamples() -> None:
    values = VALLEY + noise(8, scale=0.3, seed=6) + noise(8, seed=7)[:, :1]
    below = by_hand(values, 3)
    ranges = set()
    for level in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99):
        assert min(abs(share - level) for share in below) > 2 / RESAMPLES
        kept = [float(m) for m, share in zip(LEVELS, below, strict=True) if share < level]
        got = range_of(values, 3, level=level)
        assert (got.low, got.high) == (kept[0], kept[-1])
        ranges.add((got.low, got.high))
    assert len(ranges) >= 3


def test_the_lowest_is_never_ruled_out() -> None:
    got = range_of(noise(8), level=1e-3)
    assert got.low == got.level == got.high


def test_a_clear_minimum_stands_alone() -> None:
    assert range_of(VALLEY + noise(10, scale=1e-3)) == (16, 16, 16, False, False, 10, 0)


def test_the_range_takes_in_what_a_few_units_leave_open() -> None:
    got = range_of(np.array([1.0, 0, 0, 0, 1]) + noise(10, scale=0.1))
    assert (got.low, got.high, got.low_edge, got.high_edge) == (8, 32, False, False)


@pytest.mark.parametrize(
    ("best", "edges"), [(0, (True, False)), (1, (False, False)), (4, (False, True))]
)
def test_edges_are_named(best: int, edges: tuple[bool, bool]) -> None:
    got = range_of(np.abs(np.arange(5.0) - best) + noise(8, scale=1e-3))
    assert got.level == LEVELS[best]
    assert (got.low_edge, got.high_edge) == edges


def test_a_range_reaches_the_edge_before_its_lowest_does() -> None:
    values = np.array([1, 1, 0.0, 0.02, 0.02]) + noise(10, scale=0.1)
    got = range_of(values)
    assert got.level < 64 and got.high == 64
    assert (got.low_edge, got.high_edge) == (False, True)


def test_the_pairing_of_levels_is_kept() -> None:
    """Units differ by a thousand times more than levels do: unpaired, nothing could be said."""
    offsets = 1000 * np.random.default_rng(3).standard_normal((8, 1))
    assert range_of(VALLEY + offsets + noise(8, scale=0.01))[:3] == (16, 16, 16)


def test_equal_units_are_certain() -> None:
    assert range_of(np.tile(VALLEY, (6, 1))) == (16, 16, 16, False, False, 6, 0)


def test_levels_that_are_equal_in_every_unit_cannot_be_told_apart() -> None:
    got = range_of(np.tile([1.0, 0.0, 0.0, 0.0, 1.0], (6, 1)) + noise(6)[:, :1])
    assert got == (8, 8, 32, False, False, 6, 0)


def test_units_with_a_hole_are_left_out_and_counted() -> None:
    values = VALLEY + noise(9, scale=0.05)
    holes = values.copy()
    holes[2, 0], holes[5, 4] = np.nan, np.inf
    got = range_of(holes)
    assert got.left_out == 2
    assert got[:6] == range_of(np.delete(values, [2, 5], axis=0))[:6]


def test_few_units_have_no_range() -> None:
    got = range_of(VALLEY + noise(4, scale=1e-3))
    assert got.level == 16 and np.isnan(got.low) and np.isnan(got.high)
    assert got[3:] == (False, False, 4, 0)


def test_no_whole_unit_has_no_best_level() -> None:
    got = range_of(np.full((6, 5), np.nan))
    assert np.isnan(got[:3]).all() and got[3:] == (False, False, 0, 6)


def test_a_single_level_is_its_own_range_and_both_edges() -> None:
    got = best_range(noise(6)[:, :1], LEVELS[:1], np.random.default_rng(0))
    assert got == (4, 4, 4, True, True, 6, 0)


def test_equal_seeds_give_equal_ranges_and_a_lower_level_a_narrower_one() -> None:
    values = VALLEY + noise(12, scale=0.2, seed=4)
    assert range_of(values, 1) == range_of(values, 1)
    wide, narrow = range_of(values, level=0.999), range_of(values, level=0.5)
    assert wide.low <= narrow.low and narrow.high < wide.high


def test_a_tie_but_for_rounding_between_bad_levels_does_not_widen_the_range() -> None:
    """Both sides of the best level are as bad; in one unit, but for the last digit."""
    bad = 4.0 + np.arange(6.0) / 10
    above = bad.copy()
    above[5] = np.nextafter(above[5], 9)
    values = np.stack([bad, np.full(6, 0.01), above], axis=1)
    best = best_range(values, np.array([2.0, 8.0, 32.0]), np.random.default_rng(0))
    assert (best.level, best.low, best.high) == (8, 8, 8)


def test_samples_side_by_side_have_the_range_of_each_alone() -> None:
    samples = np.stack([VALLEY + noise(8, scale=0.4, seed=seed) for seed in range(4)])
    low, high = range_of_best(samples, np.random.default_rng(0), 0.95)
    alone = [range_of(values) for values in samples]
    assert [tuple(LEVELS[[a, b]]) for a, b in zip(low, high, strict=True)] == [
        (one.low, one.high) for one in alone
    ]
