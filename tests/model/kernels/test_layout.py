from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels import places
from caviar.model.kernels.layout import LINE, aligned, lanes_of, layout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_begins_on_a_cache_line(dtype: type) -> None:
    where, lanes = layout((7, 20, 128, 3), 12, 4, dtype), lanes_of(dtype)
    starts = [p for p in range(places.COLUMNS) if p not in (0, places.VECTORS, places.UNITS)]
    assert not (where.layers[:, starts] % lanes).any()
    assert where.layers[:, places.INPUTS].tolist() == [7, 20, 128]
    assert where.features == sum(-(-units // lanes) * lanes for units in (20, 128))
    stack = aligned(3, where.size, dtype)
    assert not any(row.ctypes.data % LINE for row in stack)


def test_rows_do_not_all_fall_into_the_same_sets_of_a_cache() -> None:
    (layer,) = layout((16, 128), 2, 1, np.float32).layers
    assert layer[places.WEIGHT_ROW] == 144
