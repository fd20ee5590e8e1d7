from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.products import momentum_step, product
from tests.kernel_runs import Flat

pytestmark = pytest.mark.usefixtures("kernels")

TOLERANCE: dict[type, float] = {np.float32: 1e-5, np.float64: 1e-13}
SHAPES = [(1, 1, 1), (2, 64, 10), (7, 13, 33), (32, 10, 70), (13, 3, 130)]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_product_of_any_shape_is_numpys(dtype: type) -> None:
    rng = np.random.default_rng(0)
    for rows, depth, columns in SHAPES:
        flat = Flat(dtype, (rows, depth), (depth, columns), (rows, columns))
        for i in (0, 1):
            flat[i][:] = rng.standard_normal(flat.shapes[i])
        (x, w, y), (x_row, w_row, y_row) = flat.places, flat.rows
        shape = rows, depth, flat.vectors(1)
        product(flat.array, y, y_row, x, x_row, 1, w, w_row, *shape)
        np.testing.assert_allclose(flat[2], flat[0] @ flat[1], atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_gradient_and_its_step_in_one_pass(dtype: type) -> None:
    rng = np.random.default_rng(1)
    numbers = [dtype(number) for number in (0.9, 0.01, 0.999, 0.1)]
    momentum, penalty, kept, rate = numbers
    for examples, inputs, columns in SHAPES:
        shapes = (examples, inputs), (examples, columns), (inputs, columns), (inputs, columns)
        flat = Flat(dtype, *shapes)
        for i in range(4):
            flat[i][:] = rng.standard_normal(flat.shapes[i])
        x, slope, weight, velocity = (flat[i].copy() for i in range(4))
        shape = inputs, examples, flat.vectors(1)
        x_at, slope_at, weight_at, velocity_at = flat.places
        momentum_step(
            flat.array, weight_at, velocity_at, flat.rows[2], x_at, flat.rows[0], slope_at,
            flat.rows[1], *shape, *numbers,
        )  # fmt: skip
        velocity = momentum * velocity + (x.T @ slope + penalty * weight)
        np.testing.assert_allclose(flat[3], velocity, atol=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(flat[2], kept * weight - rate * velocity, atol=TOLERANCE[dtype])
