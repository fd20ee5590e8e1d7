"""Rows of one trial computed twice: whether they have the same keys, and how far values differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caviar.runner.store.schemas import KEYS

LAST_DIGITS = 1e-5
"""The largest difference that sums in another order cause in a trial, relative to the value if it
exceeds 1."""

Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Difference:
    """The first value that differs, as a sentence, and the largest difference of all values,
    relative to the value if it exceeds 1; infinite if rows are missing or a value is not finite."""

    first: str
    largest: float


def by_key(table: str, columns: Mapping[str, list[Any]]) -> Rows:
    """The rows of a trial by the columns that identify them."""
    keys = [key for key in KEYS[table] if key not in ("trial_id", "attempt")]
    names = [name for name in columns if name not in ("trial_id", "attempt")]
    rows = (
        dict(zip(names, row, strict=True))
        for row in zip(*(columns[name] for name in names), strict=True)
    )
    return {tuple(row[key] for key in keys): row for row in rows}


def difference(table: str, then: Rows, now: Rows) -> Difference | None:
    """How two sets of rows differ; None if every bit is the same."""
    if then.keys() != now.keys():
        text = f"{table}: {len(then)} rows then, {len(now)} rows now, with different keys"
        return Difference(text, math.inf)
    first, largest = "", 0.0
    for key, row in sorted(then.items()):
        for name, value in row.items():
            again = now[key].get(name)
            # Null, which no measurement is: the row was written before the column was added.
            if value is None or _same(value, again):
                continue
            place = ", ".join(str(part) for part in key)
            first = first or f"{table} ({place}): {name} was {value!r} and is {again!r} now"
            largest = max(largest, distance(value, again))
    return Difference(first, largest) if first else None


def _same(value: Any, again: Any) -> bool:
    """Whether two values are equal; NaN equals NaN, also within a list."""
    if isinstance(value, list):
        pairs = zip(value, again, strict=False)
        return len(value) == len(again) and all(_same(one, other) for one, other in pairs)
    both_nan = isinstance(value, float) and math.isnan(value) and math.isnan(float(again))
    return bool(value == again) or both_nan


def distance(value: Any, again: Any) -> float:
    """How far two values are apart, relative to the larger if it exceeds 1; infinite if only one
    is a finite number."""
    if _same(value, again):
        return 0.0
    if isinstance(value, list) and isinstance(again, list) and len(value) == len(again):
        return max(distance(one, other) for one, other in zip(value, again, strict=True))
    if not (isinstance(value, float) and isinstance(again, float)):
        return math.inf
    if not (math.isfinite(value) and math.isfinite(again)):
        return math.inf
    return abs(value - again) / max(1.0, abs(value), abs(again))
