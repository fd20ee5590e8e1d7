"""Records: the columns of a row of noise that were not measured are NaN."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from caviar.model.records import Noise


def test_a_row_of_noise_has_nan_where_nothing_applies() -> None:
    row = Noise.of(7, "norm1", 8, 32, {"coupling": np.array([0.25, 0.5])})
    assert (row.step, row.layer, row.norm_batch_size, row.batches) == (7, "norm1", 8, 32)
    np.testing.assert_array_equal(row.coupling, [0.25, 0.5])
    rest = {f.name for f in fields(Noise)[4:]} - {"coupling"}
    assert len(rest) == 12
    for name in rest:
        np.testing.assert_array_equal(getattr(row, name), [np.nan, np.nan])
