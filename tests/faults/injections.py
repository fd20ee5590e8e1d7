"""What a fault test records: the number of injections, the lost rows, the time to recover."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.run import latest_outcomes
from tests.runner.helpers import NOT_MEASURED, parts, rows_are_there

Rows = Counter[tuple[str, str]]


class Fault:
    """One row of the fault matrix, as `python -m tests.reliability` prints it.

    A test marked `faults("what is broken")` takes the fixture `fault` and tells it of every
    injection and every recovery.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.injected = 0
        self.rows_lost = 0
        self.seconds = 0.0

    def inject(self, times: int = 1) -> None:
        self.injected += times

    @contextmanager
    def recovering(self) -> Iterator[None]:
        """Measure the time until the end of the block; the longest time in a test counts."""
        began = time.monotonic()
        yield
        self.recovered(time.monotonic() - began)

    def recovered(self, seconds: float) -> None:
        self.seconds = max(self.seconds, seconds)

    def ended(self, before: Rows, expected: Rows, after: Rows) -> None:
        """Fail unless every row that counted before is there, and all that are expected, once."""
        self.rows_lost += ((before | expected) - after).total()
        assert not before - after, f"acknowledged rows are gone: {list(before - after)[:2]}"
        assert not expected - after, f"rows are missing: {list(expected - after)[:2]}"
        assert not after - expected, f"rows too many: {list(after - expected)[:2]}"


def whole(root: Path) -> None:
    """Fail unless every file that a reader sees can be read, and outcomes have their rows."""
    for table in SCHEMAS:
        for part in parts(root, table):
            pq.read_table(part)
    rows_are_there(root)


def rows_that_count(where: str | Path) -> Rows:
    """Every row of a run that a reader keeps, to the last bit, without columns that may differ."""
    storage = storage_at(where)
    ended = latest_outcomes(storage)
    kept = {t: o["attempt"] for t, o in ended.items() if o["status"] in SETTLED}
    counted: Rows = Counter()
    for table, schema in SCHEMAS.items():
        rows: dict[str, list[Any]] = read_columns(storage, table, schema.names).to_pydict()
        names = [name for name in schema.names if name not in NOT_MEASURED]
        values = list(zip(*(rows[name] for name in names), strict=True))
        if table in ROW_TABLES or table == "outcomes":
            who = zip(rows["trial_id"], rows["attempt"], strict=True)
            counts = [kept.get(trial) == attempt for trial, attempt in who]
            values = [value for value, one in zip(values, counts, strict=True) if one]
        counted.update((table, repr(value)) for value in values)
    return counted
