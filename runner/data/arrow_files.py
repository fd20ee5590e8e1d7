"""Tables in Arrow's file formats: Parquet, a folder of Parquet, and Feather (Arrow IPC)."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from caviar.runner.data.columns import chosen_columns
from caviar.runner.data.labels import is_text
from caviar.runner.data.reading import check_plain, check_unpacked, check_values, reading
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

SUFFIXES = (".parquet", ".pq", ".parq")
MOST_FILES = 10_000
WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def parquet_table(path: Path, dataset: DatasetConfig, parts: dict[str, Any] | None = None) -> Any:
    """The selected columns of a Parquet file; `parts` are the constant ones of its folder."""
    from pyarrow import parquet

    with reading(path, "readable Parquet file"):
        with parquet.ParquetFile(path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
        stored = set(schema.names)
        for name, value in (parts or {}).items():
            if name not in stored:
                schema = schema.append(pa.field(name, pa.scalar(value).type))
        columns = [*chosen_columns(schema, path.name, dataset).features, str(dataset.label)]
        promise = f"its footer promises {rows:,} rows of {len(columns):,} columns"
        check_values(path.name, rows * len(columns), promise)
        # As a dictionary: a long label that every row repeats is in memory once.
        stored_columns = [name for name in columns if name in stored]
        text = [name for name in stored_columns if is_text(schema.field(name).type)]
        with parquet.ParquetFile(path, read_dictionary=text) as file:
            batches = _up_to_the_limit(
                path.name, file.iter_batches(batch_size=4096, columns=stored_columns)
            )
            kept = list(batches)
            table = pa.Table.from_batches(kept) if kept else file.read(columns=stored_columns)
        table.validate(full=True)  # Arrow reads places beyond a dictionary, and texts of no UTF-8
        for name in columns:
            if name not in stored_columns:
                constant = pa.repeat(pa.scalar((parts or {})[name]), len(table))
                table = table.append_column(name, constant)
    return table.select(columns).replace_schema_metadata(schema.metadata)


def parquet_folder(folder: Path, dataset: DatasetConfig) -> Any:
    """The tables of all Parquet files in a folder, with a column for each `key=value` folder.

    Raises RequestError where there are none, too many, or where their columns differ.
    """
    files = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        files += [Path(where, name) for name in sorted(names) if name.lower().endswith(SUFFIXES)]
        if len(files) > MOST_FILES:
            raise RequestError(f"{folder.name}: more than {MOST_FILES:,} files; join some of them")
    files = [path for path in files if not path.name.startswith((".", "_"))]
    if not files:
        check_plain(folder)
    parts = _partitions(folder, files)
    tables, values = [], 0
    for path, constants in zip(files, parts, strict=True):
        check_plain(path)
        table = parquet_table(path, dataset, constants)
        values += table.num_rows * table.num_columns
        check_values(folder.name, values, "so far")
        tables.append(table)
        odd = sorted(set(table.column_names) ^ set(tables[0].column_names))
        if odd:
            raise RequestError(
                f"{folder.name}: {files[0].name} and {path.name} do not both have the column "
                f"{odd[0]!r}; give the files the same columns, or name those in features = [...]"
            )
    with reading(folder, "folder of Parquet files of the same columns"):
        return pa.concat_tables(
            [_plain(table).replace_schema_metadata() for table in tables],
            promote_options="permissive",
        )


def _plain(table: Any) -> Any:
    """The dictionaries of different files unified."""
    return table.unify_dictionaries()


def _partitions(folder: Path, files: list[Path]) -> list[dict[str, Any]]:
    """The `key=value` parts of every file's path; numbers if all values of a key are integers."""
    parts: list[dict[str, Any]] = []
    for path in files:
        steps = [step.partition("=") for step in path.relative_to(folder).parts[:-1]]
        values_by_key = {key: unquote(value) for key, equals, value in steps if equals}
        parts.append({k: None if v == NO_VALUE else v for k, v in values_by_key.items()})
    for key in {key for part in parts for key in part}:
        values = [str(part.get(key)) for part in parts]
        if all(WHOLE.fullmatch(value) for value in values):
            parts = [{**part, key: int(value)} for part, value in zip(parts, values, strict=True)]
    return parts


def _up_to_the_limit(source: str, batches: Iterable[Any]) -> Iterator[Any]:
    """The batches of a Parquet file, whose pages may hold more than its footer says."""
    total = 0
    for batch in batches:
        total += batch.nbytes
        check_unpacked(source, total)
        yield batch


def feather_table(path: Path, dataset: DatasetConfig) -> Any:
    """The selected columns of a Feather file (Arrow IPC, version 2)."""
    with reading(path, "readable Feather (Arrow) file"):
        _check_buffers(path)
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
            columns = [*chosen_columns(file.schema, path.name, dataset).features, dataset.label]
            table = file.read_all()
        table.validate(full=True)
    return table.select(columns).replace_schema_metadata(table.schema.metadata)


def _check_buffers(path: Path) -> None:
    """Add up the unpacked sizes that the packed buffers declare, without unpacking them.

    A file is a stream of messages between a magic word and a footer.
    """
    total = 0
    with pa.OSFile(str(path)) as source:
        source.seek(8)
        for message in pa.ipc.MessageReader.open_stream(source):
            body = message.body
            for start, length in _buffers(message) if body is not None else ():
                packed = struct.unpack_from("<q", body, start)[0] if length >= 8 else length
                total += max(packed, length)
                check_unpacked(path.name, total)


def _buffers(message: Any) -> list[tuple[int, int]]:
    """Offset and length of the packed buffers of a message; none where nothing is packed.

    The metadata is a flatbuffer (Arrow's Message.fbs): a RecordBatch has its buffers in field 2
    and its compression in field 3; a DictionaryBatch has a RecordBatch in field 1.
    """
    content = message.metadata.to_pybytes()

    def field(table: int, number: int) -> int:
        """Where a field of a table lies; 0 for a field that is not there."""
        layout = table - struct.unpack_from("<i", content, table)[0]
        size = struct.unpack_from("<H", content, layout)[0]
        entry = 4 + 2 * number
        offset = struct.unpack_from("<H", content, layout + entry)[0] if entry < size else 0
        return table + offset if offset else 0

    def follow(place: int) -> int:
        return place + int(struct.unpack_from("<I", content, place)[0])

    batch = follow(field(follow(0), 2))
    if message.type == "dictionary":
        batch = follow(field(batch, 1))
    elif message.type != "record batch":
        return []
    if not field(batch, 3) or not field(batch, 2):
        return []
    vector = follow(field(batch, 2))
    count = struct.unpack_from("<I", content, vector)[0]
    return [struct.unpack_from("<qq", content, vector + 4 + 16 * i) for i in range(count)]
