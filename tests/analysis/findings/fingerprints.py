"""What a table holds, in few numbers: equal tables have equal fingerprints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def fingerprint(table: pd.DataFrame) -> dict[str, list[Any]]:
    """By column: of numbers how many are finite, their sum, and their sum weighted by row;
    of others how many differ, and the first and the last."""
    return {column: _of_column(table[column]) for column in table.columns}


def _of_column(values: pd.Series) -> list[Any]:
    if values.dtype.kind not in "if":
        words = values.map(str)
        return [int(words.nunique()), words.iloc[0], words.iloc[-1]] if len(words) else [0]
    numbers = values.to_numpy(dtype=float)
    finite = np.isfinite(numbers)
    kept = np.where(finite, numbers, 0.0)
    return [int(finite.sum()), float(kept.sum()), float(kept @ np.arange(1, len(kept) + 1))]
