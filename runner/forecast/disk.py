"""How much room the tables of a run will take."""

from __future__ import annotations

from collections.abc import Mapping

from caviar.runner.store.schemas import SCHEMAS

BYTES: dict[str, float] = {
    "trials": 40,
    "curves": 36,
    "evaluations": 12,
    "statistics": 42,
    "noise": 42,
    "predictions": 4,
    "outcomes": 40,
}
"""Bytes of a row once it is packed, mostly digits of numbers, which do not repeat."""

SPLIT = 48
"""Further bytes of a row of statistics where a shadow splits its errors into parts."""

COLUMN = 320
"""Bytes that a part file has for each column, whatever its rows."""


def bytes_of(rows: Mapping[str, int], classes: int, shadow: bool) -> float:
    """Bytes of all tables, one part file each, within a factor of two."""
    total = 0.0
    for table, count in rows.items():
        if count:
            each = BYTES[table] + (SPLIT if shadow and table == "statistics" else 0)
            each += 8 * classes if table == "predictions" else 0
            total += count * each + COLUMN * len(SCHEMAS[table])
    return total
