"""Columns of rows that travel: numbers as arrays, which pickle in one piece for each type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

TYPES = {float: np.dtype(np.float64), int: np.dtype(np.int64)}


class Columns(dict[str, Any]):
    """Columns of the same length by name: arrays of float64 or int64, lists of anything else.

    A driver reads thousands of small blocks per second. All arrays of one type are pickled as one,
    `(columns, rows)`: a list of floats, or an array by itself, takes it several times as long.
    """

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """The same columns, bit for bit; an array only where all values are of its type."""
        return cls({name: _column(values) for name, values in columns.items()})

    def __reduce__(self) -> tuple[Any, ...]:
        stacks = [self._stack(dtype) for dtype in TYPES.values()]
        stacked = {name for names, _ in stacks for name in names}
        others = {name: values for name, values in self.items() if name not in stacked}
        return _unpickled, (stacks, others)

    def _stack(self, dtype: np.dtype[Any]) -> tuple[list[str], NDArray[Any]]:
        """The columns of one type: their names, and their values `(columns, rows)`."""
        of = {n: c for n, c in self.items() if isinstance(c, np.ndarray) and c.dtype == dtype}
        return list(of), np.array(list(of.values()), dtype)


def _column(values: Sequence[Any]) -> Any:
    types = set(map(type, values))
    dtype = TYPES.get(types.pop()) if len(types) == 1 else None
    return list(values) if dtype is None else np.array(values, dtype)


def _unpickled(stacks: list[tuple[list[str], NDArray[Any]]], others: dict[str, Any]) -> Columns:
    columns = Columns(others)
    for names, values in stacks:
        columns.update(zip(names, values, strict=True))
    return columns
