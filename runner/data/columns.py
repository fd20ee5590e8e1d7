"""The columns of a table as features and labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caviar.model.contract import Array
from caviar.runner.data.labels import classes_of
from caviar.runner.data.splits import Data, coded, merged
from caviar.runner.errors import RequestError, nearest
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.limits import MOST_COLUMNS

EXACT = 2.0**53
"""Above this, float64 cannot hold every whole number."""

FEWEST = 20
"""From this number of rows, whole numbers that all differ may be identifiers."""


def check_label(label: str, names: list[str], source: str) -> None:
    """Raise RequestError if no column or array has the label's name."""
    if label not in names:
        raise RequestError(f"{source}: there is no label {label!r}; {nearest(label, names)}")


def check_width(source: str, columns: int) -> None:
    """Raise RequestError for a table with too many columns, each of which costs far more than its
    values."""
    if columns > MOST_COLUMNS:
        raise RequestError(
            f"{source}: {columns:,} columns, above the {MOST_COLUMNS:,} that a table may have; "
            "leave columns out, or store the features as one array of an NPZ file"
        )


class Columns(NamedTuple):
    """The names of the feature columns, and notes about their choice."""

    features: list[str]
    notes: list[str]


def chosen_columns(schema: pa.Schema, source: str, dataset: DatasetConfig) -> Columns:
    """The columns of a table that are features, which are read only if all can be used.

    Raises RequestError by the schema alone: a column that is not numeric may unpack to any size.
    """
    names, label = [str(n) for n in schema.names], str(dataset.label)
    check_width(source, len(names))
    check_label(label, names, source)
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise RequestError(f"{source}: the column name {repeated[0]!r} appears twice; rename one")
    if pa.types.is_nested(schema.field(label).type):
        raise RequestError(f"{source}: the label column {label!r} does not hold plain values")
    wanted, notes = _wanted(names, _index_columns(schema), source, dataset)
    if not wanted:
        raise RequestError(f"{source}: no feature column besides the label {label!r}")
    odd = [n for n in wanted if not _is_numeric(schema.field(n).type)]
    if odd:
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        shown = ", ".join(json.dumps(n) for n in odd[:5])
        raise RequestError(
            f"{source}: not numeric: {', '.join(odd[:5])}{more}; "
            f"encode such columns as numbers or leave them out (exclude = [{shown}]); a word that "
            'stands for a gap goes into missing, as missing = ["?"], which drops its rows'
        )
    return Columns(wanted, notes)


def _wanted(
    names: list[str], index: set[str], source: str, dataset: DatasetConfig
) -> tuple[list[str], list[str]]:
    """The features that are asked for; else all columns but label, index and excluded ones."""
    for key in ("features", "exclude"):
        for name in getattr(dataset, key) or ():
            if name not in names:
                raise RequestError(
                    f"{source}: there is no column {name!r} ({key}); {nearest(name, names)}"
                )
            if name == dataset.label:
                raise RequestError(f"{source}: {key} names the label {name!r}; take it out")
    if dataset.features is not None:
        return list(dataset.features), []
    without = {dataset.label, *(dataset.exclude or ())}
    left = [name for name in names if name not in without]
    out = [name for name in left if name in index]
    notes = [f"{_called(name)} is left out as an index (features = [...] takes it)" for name in out]
    return [name for name in left if name not in index], notes


def _called(name: str) -> str:
    return f"column {name!r}" if name else "the first column, which has no name,"


def _index_columns(schema: pa.Schema) -> set[str]:
    """The column that pandas or R wrote as the names of the rows."""
    index = {n for n in schema.names if n.startswith("__index_level_")}
    if schema.names[0] == "" or schema.names[0].startswith("Unnamed: 0"):
        index.add(schema.names[0])
    try:
        listed = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
        return index | {name for name in listed if isinstance(name, str)}
    except (KeyError, TypeError, ValueError, RecursionError):
        return index


def _is_numeric(kind: pa.DataType) -> bool:
    """Numbers, truth values, or nothing but missing values."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in (*tests, pa.types.is_decimal))


def from_table(table: Any, source: str, dataset: DatasetConfig, notes: Sequence[str] = ()) -> Data:
    """The label column as classes, the chosen others as float64 features."""
    if table.schema.names[-1:] == [""] and table.column(-1).null_count == table.num_rows:
        table = table.drop_columns([""])
        notes = [*notes, "the last column, which has neither a name nor a value, is left out"]
    names, more = chosen_columns(table.schema, source, dataset)
    notes = [*notes, *more]
    if dataset.missing is not None:
        table = _whole_rows(table.select([*names, dataset.label]), notes)
    rows = np.empty((table.num_rows, len(names)))
    if not rows.size:
        raise RequestError(
            f"{source}: expected a table of features with one label per row; there are no rows"
        )
    classes, index = classes_of(table.column(dataset.label), source, str(dataset.label))
    for place, name in enumerate(names):
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        rows[:, place] = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
            check_whole(column, rows[:, place], name, source)
        if pa.types.is_integer(column.type):
            notes += suspected(rows[:, place], name)
    return coded(rows, classes, index, source=source, names=names, pixels=False, notes=notes)


def _whole_rows(table: Any, notes: list[str]) -> Any:
    """The rows without gaps; a note says how many were dropped."""
    whole = np.ones(table.num_rows, bool)
    for column in table.columns:
        kind = column.type
        gaps = pc.is_null(column, nan_is_null=pa.types.is_floating(kind))
        whole &= ~gaps.to_numpy(zero_copy_only=False) if table.num_rows else whole
    dropped = int((~whole).sum())
    notes.append(f"{dropped:,} of {table.num_rows:,} rows have gaps and are dropped")
    kept = table.filter(pa.array(whole))
    labels, left = (set(t.column(-1).unique().drop_null().to_pylist()) for t in (table, kept))
    notes += [f"no row of class {name!r} is left" for name in sorted(map(str, labels - left))[:3]]
    return kept


def check_whole(column: Any, rows: Array, name: str, source: str) -> None:
    """Raise RequestError if two integers of a column are the same number in float64."""
    if rows.size and np.nanmax(np.abs(rows), initial=0) > EXACT:
        if pc.count_distinct(column).as_py() > len(np.unique(rows)):
            raise merged(name, source)


def suspected(rows: Array, name: str) -> list[str]:
    """A sentence if a column of whole numbers may be an identifier of its rows."""
    if len(rows) < FEWEST or len(np.unique(rows)) < len(rows):
        return []
    return [
        f"column {name!r} has another whole number in every row: if it is an identifier, leave "
        f"it out (exclude = [{json.dumps(name)}])"
    ]
