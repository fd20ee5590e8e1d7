"""Arrays as npy files: the header that numpy writes, and nothing else is accepted."""

from __future__ import annotations

import io

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.runner.trial import npy

ARRAYS = [
    np.arange(6, dtype="f4").reshape(2, 3),
    np.zeros((2, 0, 3)),
    np.array(7, "i8"),
    np.ones(300, bool),
]


def saved(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_header_and_numbers_are_the_file_that_numpy_writes(array: Array) -> None:
    content = npy.header(array) + array.tobytes()
    assert content == saved(array) and npy.is_numbers(content)


def test_what_is_not_a_whole_array_of_numbers_is_refused() -> None:
    whole = saved(np.arange(6.0))
    for content in (whole[:-1], whole + b"0", whole[1:], b"", b"\x93NUMPY"):
        assert not npy.is_numbers(content)
    objects = io.BytesIO()
    np.save(objects, np.array([{}], object), allow_pickle=True)
    assert not npy.is_numbers(objects.getvalue())
