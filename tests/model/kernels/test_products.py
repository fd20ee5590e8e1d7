from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.products import row_products, transpose
from tests.kernel_runs import Flat

pytestmark = pytest.mark.usefixtures("kernels")


def test_rows_against_rows_need_no_transpose() -> None:
    rng = np.random.default_rng(0)
    for rows, columns, depth in ((1, 1, 1), (2, 5, 3), (3, 20, 40)):
        flat = Flat(np.float64, (rows, depth), (columns, depth), (rows, columns))
        for i in (0, 1):
            flat[i][:] = rng.standard_normal(flat.shapes[i])
        (x, w, y), (x_row, w_row, y_row) = flat.places, flat.rows
        sizes = rows, columns, flat.vectors(0), flat.lanes
        row_products(flat.array, y, y_row, x, x_row, w, w_row, *sizes)
        np.testing.assert_allclose(flat[2], flat[0] @ flat[1].T, atol=1e-13)


def test_a_transpose_of_any_shape() -> None:
    for rows, columns in ((1, 1), (3, 20), (33, 10)):
        flat = Flat(np.float64, (rows, columns), (columns, rows))
        flat[0][:] = np.arange(rows * columns).reshape(rows, columns)
        (source, target), (source_row, target_row) = flat.places, flat.rows
        transpose(flat.array, target, target_row, source, source_row, rows, columns, flat.lanes)
        np.testing.assert_array_equal(flat[1], flat[0].T)


def test_a_square_transposed_twice_is_itself_in_single_precision() -> None:
    flat = Flat(np.float32, (16, 16), (16, 16), (16, 16))
    flat[0][:] = np.arange(256).reshape(16, 16)
    for source, target in ((0, 1), (1, 2)):
        places = flat.places[target], 16, flat.places[source], 16
        transpose(flat.array, *places, 16, 16, flat.lanes)
    np.testing.assert_array_equal(flat[1], flat[0].T)
    np.testing.assert_array_equal(flat[2], flat[0])
