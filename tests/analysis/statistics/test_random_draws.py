"""Draws as a sample: arithmetic of the two-way mean, and coverage over seeds and new draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.intervals import mean_intervals
from caviar.analysis.statistics.random_draws import WIDER, over_draws, over_draws_bounds

RNG = np.random.default_rng(11)
# Two samples of 6 seeds and 9 draws: effects of the draw, of the seed, of neither.
TABLE = 2.0 + RNG.normal(size=9) + 0.5 * RNG.normal(size=(6, 1)) + 0.3 * RNG.normal(size=(6, 9))


def by_hand(values: np.ndarray) -> tuple[float, float]:
    """Standard error and degrees of freedom, term by term as in the analysis of variance."""
    seeds, draws = values.shape
    grand = values.mean()
    rest = sum(
        (values[s, d] - values[s].mean() - values[:, d].mean() + grand) ** 2
        for s in range(seeds)
        for d in range(draws)
    ) / ((seeds - 1) * (draws - 1))
    of_seeds = draws * np.var([row.mean() for row in values], ddof=1)
    of_draws = seeds * np.var([column.mean() for column in values.T], ddof=1)
    both = of_seeds + of_draws - rest
    freedom = both**2 / (
        of_seeds**2 / (seeds - 1)
        + of_draws**2 / (draws - 1)
        + rest**2 / ((seeds - 1) * (draws - 1))
    )
    return float(np.sqrt(both / (seeds * draws))), float(freedom)


def test_no_end_is_nearer_than_students_t_of_the_two_way_error() -> None:
    error, freedom = by_hand(TABLE)
    reach = (1 + WIDER / 9) * stats.t.ppf(0.975, freedom) * error
    over = over_draws(TABLE, np.random.default_rng(0))
    assert over.mean == pytest.approx(TABLE.mean()) and over[3:] == (6, 9, 0)
    assert over.mean - over.low >= reach * (1 - 1e-9)
    assert over.high - over.mean >= reach * (1 - 1e-9)
    # Nine draws that are not skewed: the resampled ends lie close by.
    assert (over.high - over.low) / (2 * reach) < 1.25


def test_equal_seeds_leave_student_s_t_of_the_draws() -> None:
    """The mean over draws alone, 5 % farther out; resampled ends may only lie farther."""
    draws = np.array([1.0, 2.0, 4.0, 9.0, 3.0, 3.5, 4.5, 5.0])
    over = over_draws(np.tile(draws, (5, 1)), np.random.default_rng(0))
    reach = 1.05 * stats.t.ppf(0.975, 7) * stats.sem(draws)
    assert over.low <= 4 - reach + 1e-9 and over.high >= 4 + reach - 1e-9


def test_three_draws_and_four_seeds_have_no_interval() -> None:
    for values in (TABLE[:, :3], TABLE[:4]):
        over = over_draws(values, np.random.default_rng(0))
        assert np.isnan([over.low, over.high]).all() and np.isfinite(over.mean)


def test_a_draw_with_a_diverged_seed_is_left_out_and_counted() -> None:
    spoilt = np.column_stack([TABLE, np.where(np.arange(6) == 2, np.inf, 100.0)])
    whole = over_draws(TABLE, np.random.default_rng(0))
    assert over_draws(spoilt, np.random.default_rng(0)) == whole._replace(left_out=1)


def test_the_mirror_image_has_the_mirror_interval() -> None:
    over, mirrored = (over_draws(side * TABLE, np.random.default_rng(0)) for side in (1, -1))
    assert (mirrored.low, mirrored.high) == pytest.approx((-over.high, -over.low))


def test_few_draws_have_halls_correction_of_the_two_way_t() -> None:
    values = TABLE[:, :5] + np.array([0.0, 0.0, 0.0, 1.0, 6.0])
    error, freedom = by_hand(values)
    low, high = over_draws_bounds(values, np.random.default_rng(0), 0.95)
    root = stats.skew(values.mean(axis=0)) / np.sqrt(5)
    for end, side in ((low, 1), (high, -1)):
        t = (values.mean() - end) / error
        corrected = t + root * (1 / 6 + t**2 / 3) + root**2 * t**3 / 27
        assert corrected == pytest.approx(side * stats.t.ppf(0.975, freedom))
    assert values.mean() - low < high - values.mean()  # The long tail is where the truth may lie.


def test_draws_that_are_not_skewed_have_students_ends() -> None:
    values = np.tile([1.0, 2.0, 3.0, 4.0], (5, 1)) + np.arange(5)[:, np.newaxis] / 10
    error, freedom = by_hand(values)
    low, high = over_draws_bounds(values, np.random.default_rng(0), 0.95)
    reach = stats.t.ppf(0.975, freedom) * error
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach))


@pytest.mark.parametrize(("draws", "alone"), [(4, 0.6), (8, 0.75), (16, 0.9)])
def test_it_covers_new_draws_where_an_interval_over_seeds_does_not(
    draws: int, alone: float
) -> None:
    """Draws differ three times as much as seeds do: as the learning rates of the quickstart."""
    rng = np.random.default_rng(draws)
    values = 3 * rng.normal(size=(200, 1, draws)) + rng.normal(size=(200, 6, 1))
    values += rng.normal(size=(200, 6, draws))
    ends = over_draws_bounds(values, np.random.default_rng(0), 0.95)
    assert 0.92 < np.mean((ends[0] < 0) & (ends[1] > 0)) < 0.995
    over_seeds = mean_intervals(values.mean(axis=2), 0)
    assert np.mean([one.low < 0 < one.high for one in over_seeds]) < alone
