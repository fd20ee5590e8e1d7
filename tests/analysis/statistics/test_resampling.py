"""Resampled t: against resampling by hand, and units that are equal or not whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.resampling import RESAMPLES, studentised, whole_units

Array = np.ndarray[Any, Any]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def by_hand(values: Array, seed: int) -> Array:
    """t* from the definition, drawing the same multinomial counts and writing the units out."""
    n = len(values)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    rows = []
    for count in counts:
        drawn = np.repeat(values, count, axis=0)
        error = drawn.std(axis=0, ddof=1) / np.sqrt(n)
        away = drawn.mean(axis=0) - values.mean(axis=0)
        rows.append(away / error if count.max() < n else np.copysign(np.inf, away))
    return np.array(rows)


@pytest.mark.parametrize("n", [5, 9])
def test_each_t_is_that_of_its_resample(n: int) -> None:
    values = 100 + normal(n, 3) * [1e-3, 1, 1e3]
    error, t = studentised(values, np.random.default_rng(4))
    assert error == pytest.approx(values.std(axis=0, ddof=1) / np.sqrt(n), rel=1e-10)
    np.testing.assert_allclose(t, by_hand(values, 4), rtol=1e-6, atol=1e-9)


def test_a_resample_of_one_unit_is_infinitely_far() -> None:
    """At five units one in 625 is; by hand they are marked, and there must be some."""
    _, t = studentised(normal(5, 2), np.random.default_rng(4))
    same = np.isinf(t).all(axis=1)
    assert 0 < same.sum() < 30
    assert not np.isnan(t).any()


def test_columns_share_their_units() -> None:
    one = normal(8, 1)
    _, t = studentised(np.hstack([one, -2 * one]), np.random.default_rng(0))
    np.testing.assert_allclose(t[:, 0], -t[:, 1], rtol=1e-6)


def test_equal_units_have_no_error_and_no_t() -> None:
    values = np.hstack([np.full((6, 1), 0.1), normal(6, 1)])
    error, t = studentised(values, np.random.default_rng(0))
    assert error[0] == 0 and (t[:, 0] == 0).all()
    assert error[1] > 0 and (t[:, 1] != 0).all()


def test_units_that_differ_by_rounding_are_equal() -> None:
    values = np.array([0.1] * 5 + [np.nextafter(0.1, 1)])[:, None]
    error, t = studentised(values, np.random.default_rng(0))
    assert error[0] == 0 and (t == 0).all()


def test_units_with_a_hole_are_left_out_and_counted() -> None:
    values = normal(6, 3)
    values[1, 2], values[4, 0] = np.nan, np.inf
    kept, left_out = whole_units(values)
    assert left_out == 2
    np.testing.assert_array_equal(kept, values[[0, 2, 3, 5]])


def test_whole_units_of_float32_become_float64() -> None:
    kept, left_out = whole_units(normal(4, 2).astype(np.float32))
    assert kept.dtype == np.float64 and left_out == 0


def test_equal_seeds_give_equal_bytes() -> None:
    values = normal(7, 3)
    first, again, other = (
        studentised(values, np.random.default_rng(seed))[1].tobytes() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_samples_side_by_side_share_their_resamples() -> None:
    samples = normal(3, 9, 2)
    errors, t = studentised(samples, np.random.default_rng(1))
    assert (errors.shape, t.shape) == ((3, 2), (3, RESAMPLES, 2))
    for i, values in enumerate(samples):
        error, alone = studentised(values, np.random.default_rng(1))
        np.testing.assert_allclose(errors[i], error)
        np.testing.assert_allclose(t[i], alone)


def test_no_unit_is_left_out_of_samples_side_by_side() -> None:
    samples = normal(3, 9, 2)
    assert whole_units(samples)[1] == 0
    samples[1, 2, 0] = np.inf
    with pytest.raises(ValueError, match="need finite values"):
        whole_units(samples)
