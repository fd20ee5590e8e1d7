"""Object arrays of text are read, and nothing in them is executed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.runner.data.object_arrays import texts_of


def written(values: Any) -> io.BytesIO:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    file.seek(0)
    return file


@pytest.mark.parametrize("count", [1, 7, 1000, 2005])
def test_texts_come_back(count: int) -> None:
    names = np.array(["ant", "caf\u00e9", "x" * 300, ""], object)
    values: Array = names[np.arange(count) % 4]
    assert texts_of(written(values)).tolist() == values.tolist()
    column = values[:, None]
    assert texts_of(written(column)).tolist() == column.tolist()


@pytest.mark.parametrize("values", [[1, 2], ["a", None], ["a", ["b"]], [{}, {}], ["a", 1.5]])
def test_other_things_are_refused(values: list[Any]) -> None:
    array = np.empty(2, object)
    array[:] = values
    with pytest.raises(ValueError, match="an object array of other things than text"):
        texts_of(written(array))


def test_a_long_text_is_refused() -> None:
    with pytest.raises(ValueError, match="a text of more than 1000 characters"):
        texts_of(written(np.array(["a", "x" * 1001], object)))
