"""The part files of a table: written whole and numbered, read together."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caviar.runner.errors import RequestError
from caviar.runner.store.part_names import current, replacing
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.store.storage import Storage, unreadable

READERS = 16
_KEYS = {"trial_id", "attempt"}
T = TypeVar("T")


def listed_parts(storage: Storage, table: str, kind: str = "parquet") -> list[str]:
    """The names of a table's part files in order, also of those that another one replaces."""
    names = storage.names(table)
    return [name for name in names if name.startswith("part-") and name.endswith(f".{kind}")]


def part_names(storage: Storage, table: str) -> list[str]:
    """The names of a table's part files, in order."""
    return current(listed_parts(storage, table))


def parquet(rows: pa.Table) -> bytes:
    """The content of a part file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def write_part(storage: Storage, table: str, rows: pa.Table) -> str:
    """Write the next `part-*.parquet` of a table, as a whole or not at all; returns its key."""
    return f"{table}/{storage.add(table, parquet(rows))}"


@contextmanager
def readable(storage: Storage, table: str, name: str) -> Iterator[None]:
    """Raise RequestError if a part is damaged, StorageError if the storage cannot read it, and
    FileNotFoundError if it is not there."""
    key = f"{table}/{name}"
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.EIO:
            raise unreadable(storage, key, error) from error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(
            f"{key} in {storage.where!r} cannot be read ({reason}); "
            "`caviar verify` lists what else is damaged"
        ) from None


def read_part(storage: Storage, table: str, name: str, columns: list[str] | None) -> pa.Table:
    """Some columns of one part file, as declared; raises as `readable`."""
    with readable(storage, table, name):
        with storage.open(f"{table}/{name}") as file:
            part = pq.ParquetFile(file, page_checksum_verification=True)
            rows = _as_declared(part, SCHEMAS[table], columns)
        if any(rows[name].null_count for name in _KEYS & set(rows.column_names)):
            raise pa.ArrowInvalid(
                "it has rows without trial or attempt, so caviar did not write it"
            )
        return rows


def _as_declared(part: pq.ParquetFile, schema: pa.Schema, columns: list[str] | None) -> pa.Table:
    """The columns in their declared types; one that the part lacks is null.

    So does `pq.read_table` with a schema, in twice the time: it first makes a data set of the file.
    """
    fields = [schema.field(name) for name in columns or schema.names]
    stored = set(part.schema_arrow.names)
    rows = part.read([f.name for f in fields if f.name in stored], use_threads=False)
    count = part.metadata.num_rows
    values = [rows[f.name] if f.name in stored else pa.nulls(count, f.type) for f in fields]
    return pa.table(values, schema=pa.schema(fields))


def each_part(names: Sequence[str], read: Callable[[str], T], at_once: int = READERS) -> list[T]:
    """What `read` gives for parts, in order, many at once, since a distant store answers slowly."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(read, names))


def over_parts(
    storage: Storage,
    table: str,
    read: Callable[[str], T],
    at_once: int = READERS,
    kind: str = "parquet",
) -> list[T]:
    """What `read` gives for the name of each part, in order.

    It reads again if parts were merged meanwhile: a listing made at that time may lack some.
    """
    while True:
        before = listed_parts(storage, table, kind)
        try:
            results = each_part(current(before), read, at_once)
        except FileNotFoundError:
            if set(before) <= set(listed_parts(storage, table, kind)):
                raise
            continue
        if set(replacing(listed_parts(storage, table, kind))) <= set(before):
            return results


def read_columns(storage: Storage, table: str, columns: list[str]) -> pa.Table:
    """Some columns of a table from all its part files; no rows if there are no files."""
    read = over_parts(storage, table, lambda name: read_part(storage, table, name, columns))
    schema = pa.schema([SCHEMAS[table].field(name) for name in columns])
    return pa.concat_tables(read).select(columns) if read else schema.empty_table()


def rows_of(storage: Storage, table: str, trial_ids: Sequence[str]) -> pa.Table:
    """All columns of the rows of some trials, whatever their attempt."""
    schema, trials = SCHEMAS[table], pa.array(trial_ids, pa.string())

    def of_them(name: str) -> pa.Table:
        part = read_part(storage, table, name, None)
        return part.filter(pc.is_in(part["trial_id"], value_set=trials))

    read = over_parts(storage, table, of_them)
    return pa.concat_tables(read) if read else schema.empty_table()


def read_rows(storage: Storage, table: str, columns: list[str]) -> dict[str, list[Any]]:
    """The same columns as lists, by name."""
    lists: dict[str, list[Any]] = read_columns(storage, table, columns).to_pydict()
    return lists
