"""Columns that travel: the same bits, in few pieces."""

from __future__ import annotations

import math
import pickle
import pickletools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.runner.trial.columns import Columns

anything = (
    st.floats(width=64)
    | st.sampled_from([-0.0, math.nan, math.inf, 5e-324])
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=3)
    | st.none()
    | st.booleans()
)


def bits(values: Any) -> list[Any]:
    """Python values, floats by their bytes, each with its type."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return [(type(v), np.float64(v).tobytes() if isinstance(v, float) else v) for v in plain]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 4).flatmap(lambda n: st.lists(st.lists(anything, min_size=n, max_size=n))))
def test_every_value_comes_out_as_it_went_in(columns: list[list[Any]]) -> None:
    given = {f"c{place}": values for place, values in enumerate(columns)}
    for travelled in (Columns.of(given), pickle.loads(pickle.dumps(Columns.of(given)))):
        assert {name: bits(values) for name, values in travelled.items()} == {
            name: bits(values) for name, values in given.items()
        }


def test_only_values_of_one_type_become_an_array() -> None:
    columns = Columns.of(
        {"real": [0.5, 1.0], "whole": [1, 2], "mixed": [1, 2.0], "none": [None, 0.5], "is": [True]}
    )
    arrays = {n: v.dtype for n, v in columns.items() if isinstance(v, np.ndarray)}
    assert arrays == {"real": np.float64, "whole": np.int64}


def test_many_columns_of_numbers_travel_as_two_arrays() -> None:
    columns = Columns.of({f"c{k}": [k, k + 1] if k % 2 else [k + 0.5, 0.0] for k in range(20)})
    names = [of for op, of, _ in pickletools.genops(pickle.dumps(columns)) if of == "_reconstruct"]
    assert len(names) == 1  # It is written once, and referred to afterwards.
    reduced = columns.__reduce__()[1][0]
    assert [values.shape for _, values in reduced] == [(10, 2), (10, 2)]


def test_a_number_that_fits_no_column_is_refused_where_it_arises() -> None:
    with pytest.raises(OverflowError):
        Columns.of({"whole": [2**63]})
