from __future__ import annotations

import numba
import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels.layout import aligned
from caviar.model.kernels.vectors import (
    load,
    rectified,
    root,
    spread,
    store,
    total,
    where_positive,
)


@numba.njit
def of_each(a: Array) -> float:
    x, y = load(a, 0), load(a, 16)
    store(a, 32, (x + y) * (x - y) / spread(a, a.dtype.type(2)))
    store(a, 48, rectified(x))
    store(a, 64, where_positive(x, y))
    store(a, 80, root(y))
    return total(y)  # type: ignore[no-any-return]


def test_vectors_are_numpy_arrays_of_a_cache_line() -> None:
    a = aligned(1, 96, np.float32)[0]
    x, y, product, positive, chosen, roots = a.reshape(6, 16)
    x[:] = np.arange(16) - 8.0
    x[:3] = np.nan, -np.inf, np.inf
    y[:] = np.arange(16)
    assert of_each(a) == y.sum()
    np.testing.assert_array_equal(product, (x + y) * (x - y) / np.float32(2))
    np.testing.assert_array_equal(positive, np.maximum(x, 0))
    np.testing.assert_array_equal(chosen, np.where(x > 0, y, 0))
    np.testing.assert_array_equal(roots, np.sqrt(y))
