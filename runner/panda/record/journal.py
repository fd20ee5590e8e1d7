"""The table `interventions`: every request, written before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from caviar.runner.panda.record.tables import PANDA_SCHEMAS
from caviar.runner.panda.tree import Intervention
from caviar.runner.store.part_files import part_names, readable, write_part
from caviar.runner.store.storage import Storage

TABLE = "interventions"


def written(storage: Storage, rows: Sequence[Intervention]) -> None:
    """Add rows, all of them or none."""
    add_rows(storage, TABLE, [asdict(row) for row in rows])


def interventions(storage: Storage) -> tuple[Intervention, ...]:
    """All that was asked, in order; none in a run that is no panda's."""
    rows = (Intervention(**row) for row in read_rows_of(storage, TABLE))
    return tuple(sorted(rows, key=lambda row: row.number))


def add_rows(storage: Storage, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to one of the panda's own tables."""
    if rows:
        write_part(storage, table, pa.Table.from_pylist(list(rows), schema=PANDA_SCHEMAS[table]))


def read_rows_of(storage: Storage, table: str) -> list[dict[str, Any]]:
    """All rows of one of them; raises RequestError if a part is damaged."""
    rows: list[dict[str, Any]] = []
    for name in part_names(storage, table):
        with readable(storage, table, name), storage.open(f"{table}/{name}") as file:
            rows += pq.read_table(file, page_checksum_verification=True).to_pylist()
    return rows
