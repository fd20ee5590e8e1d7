"""Arrays as the bytes of an npy file of format 1.0."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from caviar.model.contract import Array


def header(array: Array) -> bytes:
    """The bytes before the numbers of such an array."""
    written = io.BytesIO()
    descr: Any = np.lib.format.dtype_to_descr(array.dtype)
    np.lib.format.write_array_header_1_0(
        written, {"descr": descr, "fortran_order": False, "shape": array.shape}
    )
    return written.getvalue()


def is_numbers(content: bytes) -> bool:
    """Whether it is a complete array of numbers; an array of objects is a pickle, which can run
    any code."""
    file = io.BytesIO(content)
    try:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except ValueError:
        return False
    return not dtype.hasobject and len(content) - file.tell() == math.prod(shape) * dtype.itemsize
