from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.kernels.measuring.upwards import (
    BLOCK,
    Level,
    moments_in_double,
    moments_of_groups,
    normalise_by_groups,
)
from caviar.model.measurements.population import moments_over_examples
from caviar.model.norms.standardise import batch_moments
from tests.kernel_runs import Flat

pytestmark = pytest.mark.usefixtures("kernels")
COUNT, UNITS = 2 * BLOCK, 21


def matrix(dtype: type) -> Flat:
    """Random rows of a layer, and room for what is made of a block of them."""
    whole = Flat(dtype, (COUNT, UNITS), (BLOCK, UNITS))
    whole[0][:] = 3 + np.random.default_rng(0).standard_normal((COUNT, UNITS))
    return whole


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [2, 6, 64, COUNT])
def test_moments_and_norm_of_groups_keep_every_bit(dtype: type, size: int) -> None:
    """Of rows in another order, some of them twice; by each group's moments, or the next one's."""
    whole, rng = matrix(dtype), np.random.default_rng(1)
    rows = rng.integers(0, COUNT, COUNT)
    row, groups = whole.rows[0], COUNT // size
    level = Level(row, row, 0, 0, UNITS, 0)
    mean: Array = np.full(groups * 2 * row, 7, dtype)
    variance = mean.copy()
    x = whole.array[: COUNT * row]
    moments_of_groups(x, rows, level, size, whole.lanes, mean, variance, 2 * row)
    taken = whole[0][rows][None]
    expected = batch_moments(taken, size)
    for ours, theirs in zip((mean, variance), expected, strict=True):
        by_group = ours.reshape(groups, 2, row)
        np.testing.assert_array_equal(by_group[:, 1, :UNITS], theirs[0])
        assert (by_group[:, 0] == 7).all()
    gain: Array = np.zeros(2 * row, dtype)
    shift = gain.copy()
    gain[row : row + UNITS], shift[row : row + UNITS] = rng.standard_normal((2, UNITS))
    begin, end = COUNT - BLOCK, COUNT
    for ahead in (0, 1):
        normalise_by_groups(
            x, rows, begin, end, level, size, ahead, whole.lanes, mean, variance, 2 * row, gain,
            shift, dtype(1e-3), np.empty(row, dtype), whole.array, whole.places[1],
        )  # fmt: skip
        its_mean, its_variance = (
            np.repeat(np.roll(m[0], -ahead, axis=0), size, axis=0) for m in expected
        )
        y = rectified(
            taken[0], its_mean, its_variance, gain[row : row + UNITS], shift[row : row + UNITS]
        )
        np.testing.assert_array_equal(whole[1], y[begin:end])


def rectified(x: Array, mean: Array, variance: Array, gain: Array, shift: Array) -> Array:
    y = (x - mean) * (gain / np.sqrt(variance + x.dtype.type(1e-3))) + shift
    return np.asarray(np.maximum(y, 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_in_double_precision_keep_every_bit(dtype: type) -> None:
    whole = matrix(dtype)
    mean, variance = np.empty((2, UNITS))
    moments_in_double(whole.array, COUNT, whole.rows[0], UNITS, mean, variance)
    expected = moments_over_examples(whole[0][None])
    np.testing.assert_array_equal(mean, expected.mean[0, 0])
    np.testing.assert_array_equal(variance, expected.variance[0, 0])
