"""CSV tables as people write them: separators, decimal signs, encodings and gaps."""

from __future__ import annotations

import csv as text_csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from caviar.runner.data.columns import check_width
from caviar.runner.data.reading import (
    check_bytes,
    check_values,
    head_of,
    reading,
    unpacked,
)
from caviar.runner.errors import RequestError, shown
from caviar.runner.fields.dataset import DatasetConfig

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 20
"""Lines that the separator is read off."""

DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
SEPARATOR_LINE = re.compile(r"sep=(,|;|\||\t|\\t)\s*")
"""The line that Excel reads the separator from, above the names of the columns."""
TAR, TAR_AT = b"ustar", 257
"""What a tar archive says of itself, and from which byte on."""
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Dialect(NamedTuple):
    """How a table is written, and what is to be said about that."""

    delimiter: str
    decimal: str
    encoding: str
    names: list[str] | None
    notes: list[str]
    skipped: int


def csv_table(path: Path, dataset: DatasetConfig) -> tuple[Any, list[str]]:
    """The Arrow table of a CSV file and what is to be said of it, or RequestError."""
    from pyarrow import csv

    with reading(path, "readable CSV table"):
        dialect = _dialect(head_of(path), path.name, dataset)
        _check_text(path, dialect)
        convert = csv.ConvertOptions(
            # Labels as they are written: a type that is guessed makes 1.1 of 1.10.
            column_types={str(dataset.label): "string"},
            decimal_point=dialect.decimal,
            **_gaps(dataset),
        )
        read = csv.ReadOptions(
            encoding=dialect.encoding, column_names=dialect.names, skip_rows=dialect.skipped
        )
        parse = csv.ParseOptions(delimiter=dialect.delimiter)
        try:
            with unpacked(path) as stream:
                table = csv.read_csv(
                    stream, read_options=read, parse_options=parse, convert_options=convert
                )
            _ = table.column_names
        except (UnicodeDecodeError, ValueError) as error:
            if "utf" in str(error).lower():
                raise RequestError(_encoding_sentence(path.name, dialect.encoding)) from None
            raise
    return table, dialect.notes


def _encoding_sentence(source: str, encoding: str) -> str:
    return (
        f"{source}: not a readable CSV table in {encoding}; save it as UTF-8, or name its "
        'encoding, as in encoding = "latin-1"'
    )


def _gaps(dataset: DatasetConfig) -> dict[str, Any]:
    if dataset.missing is None:
        return {}
    from pyarrow import csv

    words = [*csv.ConvertOptions().null_values, *dataset.missing]
    return {"null_values": words, "strings_can_be_null": True}


def _dialect(head: bytes, source: str, dataset: DatasetConfig) -> Dialect:
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise RequestError(f"{source}: the table is in UTF-32; save it as UTF-8")
    if head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        raise RequestError(
            f"{source} is a tar archive; unpack it and give the path of the table in it"
        )
    encoding = dataset.encoding or _encoding(head)
    notes = [] if encoding == "utf-8" or dataset.encoding else [f"the table is in {encoding}"]
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    lines = text.splitlines()[: LOOKED_AT + 1]
    if len(lines) > LOOKED_AT or (len(head) == 2**16 and len(lines) > 1):
        lines = lines[:-1]  # The last one may be cut.
    named = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if named:
        lines = lines[1:]
    delimiter = dataset.delimiter or (named[1].replace("\\t", "\t") if named else None)
    delimiter = delimiter or _delimiter(lines, str(dataset.label), dataset.header)
    rows = list(text_csv.reader([line[: 2**15] for line in lines], delimiter=delimiter))
    decimal = dataset.decimal or _decimal(rows, delimiter, str(dataset.label))
    if (dataset.delimiter or ",") != delimiter or (dataset.decimal or ".") != decimal:
        signs = "commas" if decimal == "," else "points"
        notes.append(f"columns are separated by {NAMES[delimiter]}, decimals by {signs}")
    names = None
    if not dataset.header:
        names = [str(i + 1) for i in range(len(rows[0]) if rows else 0)]
    elif rows and str(dataset.label) not in rows[0]:
        _check_names(rows, source, str(dataset.label))
    return Dialect(delimiter, decimal, encoding, names, notes, int(named is not None))


def _check_names(rows: Sequence[Sequence[str]], source: str, label: str) -> None:
    """Raise RequestError where the first line, which lacks the label, does not name columns."""
    first, *others = rows
    if any(len(row) > len(first) for row in others):
        raise RequestError(
            f"{source}: the first line, {shown(', '.join(first))}, does not name the columns, of "
            f"which there are {max(map(len, others))}; remove what stands above their names"
        )
    if len(first) == 1:
        raise RequestError(
            f"{source}: the first line, {shown(first[0])}, is one column; columns are separated by "
            f"{', '.join(NAMES[d] for d in DELIMITERS[:-1])} or {NAMES[DELIMITERS[-1]]}: save the "
            "table with one of them"
        )
    numbers = [cell for cell in first if NUMBER.fullmatch(cell)]
    if len(numbers) == len(first) or any("." in cell for cell in numbers):
        raise RequestError(
            f"{source}: the first line holds numbers and no label {label!r}; if the table has no "
            "names of columns, add header = false and name the label by its number, from 1"
        )


def _encoding(head: bytes) -> str:
    """What the byte-order mark says, or zeros between the letters; else UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # Most letters of a table are ASCII, one byte of which is zero in UTF-16.
    even, odd = (2 * part.count(0) > len(part) for part in (head[0:64:2], head[1:64:2]))
    if even != odd:
        return "utf-16-be" if even else "utf-16-le"
    return "utf-8"


def _delimiter(lines: Sequence[str], label: str, header: bool) -> str:
    """The separator that makes the label a column; else the one that cuts all lines alike."""

    def rows(delimiter: str) -> list[list[str]]:
        return list(text_csv.reader([line[: 2**15] for line in lines], delimiter=delimiter))

    for delimiter in DELIMITERS:
        first = rows(delimiter)[:1]
        if header and first and len(first[0]) > 1 and label in first[0]:
            return delimiter
    for delimiter in DELIMITERS:
        widths = {len(row) for row in rows(delimiter) if row}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ","


def _decimal(rows: Sequence[Sequence[str]], delimiter: str, label: str) -> str:
    """A comma where a column of features has decimal commas and no decimal points."""
    if delimiter == "," or not rows:
        return "."
    for i, name in enumerate(rows[0]):
        cells = [row[i] for row in rows[1:] if len(row) > i]
        commas = any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
        points = any("." in cell and NUMBER.fullmatch(cell) for cell in cells)
        if name != label and commas and not points:
            return ","
    return "."


def _check_text(path: Path, dialect: Dialect) -> None:
    """Count bytes and separators while unpacking, up to the limits."""
    total = separators = 0
    separator = dialect.delimiter.encode()
    with unpacked(path) as stream:
        while chunk := stream.read(2**20):
            if not total:
                check_width(path.name, chunk.partition(b"\n")[0].count(separator) + 1)
            total += len(chunk)
            separators += chunk.count(separator) + chunk.count(b"\n")
            check_bytes(path.name, total)
            check_values(path.name, separators, "so far")
