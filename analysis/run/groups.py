"""Groups of rows as numbers, with which arrays are filled in place of many small frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


def numbered(rows: pd.DataFrame, keys: Sequence[str]) -> tuple[Array, pd.DataFrame]:
    """The group of every row, by `keys`, and the groups: one row each in the order of their keys.

    A key that is missing comes last.
    """
    codes, known = np.zeros(len(rows), np.int64), []
    for key in keys:
        of_key, values = pd.factorize(rows[key], sort=True, use_na_sentinel=False)
        known.append(values)
        codes = codes * len(values) + of_key
    numbers, of_row = np.unique(codes, return_inverse=True)
    columns = {}
    for key, values in zip(reversed(keys), reversed(known), strict=True):
        numbers, place = np.divmod(numbers, max(len(values), 1))
        columns[key] = values.take(place)
    return of_row, pd.DataFrame({key: columns[key] for key in keys})
