"""Object arrays of text, read without unpickling: nothing in the file is executed."""

from __future__ import annotations

import pickletools
from typing import IO, Any

import numpy as np

from caviar.model.contract import Array
from caviar.runner.limits import LONGEST_LABEL, MOST_FILE_BYTES

TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}
KEPT = {"MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"}
RECALLED = {"BINGET", "LONG_BINGET", "GET"}
OPENED = "MARK"
LISTED = {"APPENDS", "APPEND"}


def texts_of(file: IO[bytes]) -> Array:
    """The texts of an object array in an NPY file that is open at its start.

    NumPy writes such an array as a pickle of its elements, of which only texts are taken.
    Raises ValueError where the array holds anything else.
    """
    heads = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, _ = heads[np.lib.format.read_magic(file)](file)
    count = int(np.prod(shape))
    content = file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise ValueError(f"an object array of more than {MOST_FILE_BYTES:,} bytes")
    texts = _last_list(content)
    if len(texts) != count or not all(isinstance(text, str) for text in texts):
        raise ValueError("an object array of other things than text; save it as text or numbers")
    if any(len(text) > LONGEST_LABEL for text in texts):
        raise ValueError(f"an object array with a text of more than {LONGEST_LABEL} characters")
    return np.array(texts).reshape(shape)


def _last_list(content: bytes) -> list[Any]:
    """The items of the last list that the pickle fills: those of the array.

    Texts are kept by their place in the memo, as the pickle refers to them; all else stands as
    None.
    """
    memo: dict[int, Any] = {}
    items: list[Any] = []
    top: Any = None
    for opcode, argument, _ in pickletools.genops(content):
        name = opcode.name
        if name in TEXTS:
            top = argument
            items.append(top)
        elif name in RECALLED:
            top = memo.get(int(str(argument)))
            items.append(top)
        elif name in KEPT:
            memo[len(memo) if name == "MEMOIZE" else int(str(argument))] = top
        elif name == "EMPTY_LIST":
            top, items = None, []
        elif name not in LISTED | {OPENED, "FRAME"}:
            if name in {"TUPLE", "BUILD", "STOP"}:
                continue
            top = None
            items.append(None)
    return items
