"""largest_t: Student's t for one column, and an honest price for more."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.statistics.largest_t import largest_t, standard_errors


def units(n: int, k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_one_column_has_students_t() -> None:
    assert largest_t(units(5, 1), generator(), 0.025) == pytest.approx(stats.t.isf(0.025, 4))


def test_columns_that_say_the_same_cost_no_more_than_one() -> None:
    same = np.repeat(units(8, 1), 6, axis=1) * np.arange(1, 7) + 3
    assert largest_t(same, generator(), 0.05) == pytest.approx(stats.t.isf(0.05, 7), rel=0.05)


@pytest.mark.parametrize("n", [5, 40])
def test_columns_without_correlation_cost_as_much_as_independent_ones(n: int) -> None:
    plain = np.linalg.qr(units(n, 5) - units(n, 5).mean(axis=0))[0][:, :4]
    independent = stats.t.ppf(0.975 ** (1 / 4), n - 1)
    assert largest_t(plain, generator(), 0.025) == pytest.approx(independent, rel=0.06)


def test_a_column_of_equal_units_and_more_columns_than_units_leave_it_finite() -> None:
    many = units(5, 12)
    many[:, 3] = 0.7
    assert standard_errors(many)[3] == 0
    assert 4 < largest_t(many, generator(), 0.025) < 12
    without = largest_t(np.delete(units(9, 3), 1, axis=1), generator(), 0.025)
    flat = units(9, 3)
    flat[:, 1] = -2.0
    assert largest_t(flat, generator(), 0.025) == pytest.approx(float(without), rel=0.05)


def test_samples_along_the_first_axes_share_their_draws() -> None:
    samples = np.stack([units(7, 3, seed) for seed in (1, 2)])
    alone = [largest_t(sample, generator(), 0.025) for sample in samples]
    assert largest_t(samples, generator(), 0.025) == pytest.approx(np.array(alone))
