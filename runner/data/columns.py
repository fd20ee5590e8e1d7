"""The columns of a table as features and labels."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caviar.model.contract import Array
from caviar.runner.data.splits import Data, coded
from caviar.runner.errors import RequestError, nearest
from caviar.runner.limits import LONGEST_LABEL, MOST_COLUMNS


def check_label(label: str, names: list[str], source: str) -> None:
    """Raise RequestError where no column or array has the label's name."""
    if label not in names:
        raise RequestError(f"{source}: there is no label {label!r}; {nearest(label, names)}")


def check_width(source: str, columns: int) -> None:
    """Raise RequestError for a table of too many columns, each of which costs far more than its
    values."""
    if columns > MOST_COLUMNS:
        raise RequestError(
            f"{source}: {columns:,} columns, above the {MOST_COLUMNS:,} that a table may have; "
            "leave columns out, or store the features as one array of an NPZ file"
        )


def wanted_columns(schema: pa.Schema, source: str, label: str) -> list[str]:
    """The names of the columns, which a table is read for only if all can be used.

    Raises RequestError by the schema alone: what is no number may unpack to any size.
    """
    names = [str(n) for n in schema.names]
    check_width(source, len(names))
    check_label(label, names, source)
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise RequestError(f"{source}: the column name {repeated[0]!r} stands twice")
    if len(names) == 1:
        raise RequestError(f"{source}: no feature column besides the label {label!r}")
    if pa.types.is_nested(schema.field(label).type):
        raise RequestError(f"{source}: the label column {label!r} holds no plain values")
    odd = [n for n in names if n != label and not _is_numeric(schema.field(n).type)]
    if odd:
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        raise RequestError(
            f"{source}: not numeric: {', '.join(odd[:5])}{more}; "
            "encode such columns as numbers or leave them out"
        )
    return names


def _is_numeric(kind: pa.DataType) -> bool:
    """Numbers, truth values, or nothing but missing values."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in tests)


def from_table(table: Any, source: str, label: str) -> Data:
    """The label column as classes, all others as float64 features."""
    features = [n for n in wanted_columns(table.schema, source, label) if n != label]
    rows = np.empty((table.num_rows, len(features)))
    if not rows.size:
        raise RequestError(
            f"{source}: expected a table of features with a label a row; there are no rows"
        )
    classes, index = _classes(table.column(label), source, label)
    for at, name in enumerate(features):
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        rows[:, at] = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return coded(rows, classes, index, source=source, names=features, pixels=False)


def _classes(column: Any, source: str, label: str) -> tuple[Array, Array]:
    """The sorted classes and every row's place among them."""
    if column.null_count:
        raise RequestError(f"{source}: the label column {label!r} has missing values")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    found = encoded.dictionary
    if is_text(found.type) and (pc.max(pc.binary_length(found)).as_py() or 0) > LONGEST_LABEL:
        raise RequestError(
            f"{source}: a label in {label!r} has more than {LONGEST_LABEL} bytes; a label is the "
            "name of a class"
        )
    values = np.asarray(found.to_pylist())
    if values.ndim != 1 or values.dtype == object:
        raise RequestError(f"{source}: the label column {label!r} holds no plain values")
    classes, places = np.unique(values, return_inverse=True)
    if values.dtype.kind == "U" and (classes == "").any():
        raise RequestError(f"{source}: the label column {label!r} has missing values")
    return classes, places[encoded.indices.to_numpy()]


def is_text(kind: pa.DataType) -> bool:
    """Strings, or bytes."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary))
