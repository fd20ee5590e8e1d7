"""Compaction: the many part files of a table become few, with the same rows in the same order.

So do the objects of a log in an object store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from caviar.runner.store.part_files import (
    each_part,
    listed_parts,
    parquet,
    part_names,
    readable,
)
from caviar.runner.store.part_names import current, span, whole_span
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.store.storage import Storage, read

VALUES = 4_000_000
"""The most values of one merged file (32 MB of numbers), which bounds the memory that readers of
16 files at once need: no more than for the files of a run that measures much."""


LOG = "log", "jsonl"
"""Folder and kind of the objects of `log.jsonl`; on a disk that is one file."""


class PartCounts(NamedTuple):
    """The part files of a run, before and after."""

    before: int
    after: int


class _Part(NamedTuple):
    name: str
    schema: pa.Schema
    values: int


def compact(
    storage: Storage, *, most: int = 1, stop: Callable[[], bool] = lambda: False
) -> PartCounts:
    """Merge the part files of every table that has more than `most`; the storage is held.

    Rows are copied in their order, with the columns that they have. At any instant a reader of this
    package finds each row once, and whatever a killed compaction left, the next one ends. `stop` is
    asked before each new file. Raises RequestError for a part that cannot be read, which stays as
    it is, and StorageError if the place fails.
    """
    before = after = 0
    for table in SCHEMAS:
        listed = listed_parts(storage, table)
        _remove_replaced(storage, table, listed)
        names = current(listed)
        before += len(names)
        for group in _groups(storage, table, names) if len(names) > most else []:
            if stop():
                break
            rows = each_part(group, partial(_rows, storage, table))
            storage.replace(table, group, parquet(pa.concat_tables(rows)))
        after += len(part_names(storage, table))
    if not stop():
        _join_log(storage, most)
    return PartCounts(before, after)


def _join_log(storage: Storage, most: int) -> None:
    """Make one object of those that a log was appended to by, where there are more than `most`."""
    listed = listed_parts(storage, *LOG)
    _remove_replaced(storage, LOG[0], listed)
    names = current(listed)
    if len(names) > most:
        lines = each_part(names, lambda name: read(storage, f"{LOG[0]}/{name}"))
        storage.replace(LOG[0], names, b"".join(lines))


def _remove_replaced(storage: Storage, table: str, listed: Sequence[str]) -> None:
    """Remove what a compaction that was killed had replaced already."""
    for name in set(listed) - set(current(listed)):
        with suppress(FileNotFoundError):
            storage.delete(f"{table}/{name}")


def _groups(storage: Storage, table: str, names: Sequence[str]) -> list[list[str]]:
    """The names of parts that become one file each: neighbours of equal columns.

    A group ends where another part would make it too large, a rule under which a second compaction
    finds nothing to do.
    """
    groups: list[list[str]] = []
    last: _Part | None = None
    for part in each_part(names, partial(_part, storage, table)):
        if last is not None and _fit(last, part):
            groups[-1].append(part.name)
            last = part._replace(values=last.values + part.values)
        else:
            groups.append([part.name])
            last = part
    return [group for group in groups if len(group) > 1 and _alone(group, names)]


def _fit(one: _Part, next_one: _Part) -> bool:
    return (
        None not in (span(one.name), span(next_one.name))
        and next_one.schema.equals(one.schema, check_metadata=True)
        and one.values + next_one.values <= VALUES
    )


def _alone(group: Sequence[str], names: Sequence[str]) -> bool:
    """Whether no other part has numbers of a group, as a part of another writer can."""
    numbers = whole_span(group)
    others = (span(name) for name in set(names) - set(group))
    return not any(other is not None and numbers.meets(other) for other in others)


def _part(storage: Storage, table: str, name: str) -> _Part:
    with readable(storage, table, name), storage.open(f"{table}/{name}") as file:
        about = pq.ParquetFile(file)
        held = about.metadata
        groups = [held.row_group(number) for number in range(held.num_row_groups)]
        values = sum(g.column(c).num_values for g in groups for c in range(held.num_columns))
        return _Part(name, about.schema_arrow, values)


def _rows(storage: Storage, table: str, name: str) -> pa.Table:
    """The rows with the columns that they have: an older run lacks those declared since."""
    with readable(storage, table, name), storage.open(f"{table}/{name}") as file:
        # A third of the time of `read_table`, which first makes a data set of the file.
        return pq.ParquetFile(file, page_checksum_verification=True).read(use_threads=False)
