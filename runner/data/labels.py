"""Labels become classes: as they are written, in the order of numbers where all are numbers.

Workers read no files and import this module without Arrow, a fifth of their start.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.contract import Array
from caviar.runner.errors import RequestError
from caviar.runner.limits import LONGEST_LABEL

if TYPE_CHECKING:
    import pyarrow as pa

GAPS = frozenset(
    ("", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "na", "nan", "null")
)
"""Words that stand for a missing value among numbers."""


NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def classes_of(column: Any, source: str, label: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes of an Arrow column in order, and the place of every row among them.

    A category that no row has is not a class. Raises RequestError where a label is missing, is not
    a plain value, or is not UTF-8.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    if column.null_count:
        raise RequestError(
            f"{source}: the label column {label!r} has missing values; remove those rows or fill "
            "them in, or have them dropped: missing = []"
        )
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.string() if pa.types.is_string_view(column.type) else pa.binary())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    places, index = np.unique(encoded.indices.to_numpy(), return_inverse=True)
    values = encoded.dictionary.take(pa.array(places))
    if is_text(values.type) and (pc.max(pc.binary_length(values)).as_py() or 0) > LONGEST_LABEL:
        raise RequestError(
            f"{source}: a label in {label!r} has more than {LONGEST_LABEL} bytes; a label is the "
            "name of a class"
        )
    return _in_order(_plain(values, source, label), index, source, label)


def check_classes(classes: Sequence[str], examples: int, source: str) -> None:
    """Raise RequestError where labels are no classes: a single one, or nearly one per example."""
    if len(classes) < 2:
        raise RequestError(
            f"{source}: every example has the label {classes[0]}; two classes are needed"
        )
    if len(classes) > max(2, examples // 2):
        raise RequestError(
            f"{source}: {len(classes)} different labels in {examples} examples; "
            "the label must be a class, not a number to predict"
        )


def classes_of_array(
    labels: Array, source: str, label: str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The same of a NumPy array of one label for each example."""
    if labels.dtype == object:
        if any(value is None or value != value for value in labels):
            raise RequestError(f"{source}: the labels have missing or infinite values")
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind in "mM":  # Times are words, and NaT is a gap.
        if np.isnat(labels).any():
            raise RequestError(f"{source}: the labels have missing or infinite values")
        labels = labels.astype(str)
    if labels.dtype.kind not in "biufSU":
        raise RequestError(f"{source}: the labels {label!r} are {labels.dtype}, not plain values")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise RequestError(f"{source}: the labels have missing or infinite values")
    values, index = np.unique(labels, return_inverse=True)
    if values.dtype.kind in "SU" and values.dtype.itemsize > 4 * LONGEST_LABEL:
        raise RequestError(
            f"{source}: a label in {label!r} has more than {LONGEST_LABEL} bytes; a label is the "
            "name of a class"
        )
    return _in_order(_decoded(values.tolist(), source, label), index, source, label)


def _plain(values: Any, source: str, label: str) -> list[Any]:
    """Numbers and words; times, dates and decimal numbers are words."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_nested(kind):
        raise RequestError(f"{source}: the label column {label!r} does not hold plain values")
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    if not is_text(kind) and not any(test(kind) for test in numbers):
        try:
            values = values.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise RequestError(
                f"{source}: the label column {label!r} does not hold plain values"
            ) from None
    return _decoded(values.to_pylist(), source, label)


def _decoded(values: list[Any], source: str, label: str) -> list[Any]:
    try:
        return [v.decode("utf-8") if isinstance(v, bytes) else v for v in values]
    except UnicodeDecodeError as error:
        raise RequestError(
            f"{source}: the label {error.object!r} in {label!r} is not UTF-8; "
            'decode the labels, or name their encoding for a CSV file (encoding = "latin-1")'
        ) from None


def _in_order(
    values: Sequence[Any], index: Array, source: str, label: str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Different values in the order of their classes; `index` holds places among `values`."""
    words = [str(value) for value in values]
    if any(word == "" for word in words):
        raise RequestError(
            f"{source}: the label column {label!r} has missing values; remove those rows or fill "
            "them in, or have those of a CSV table dropped: missing = []"
        )
    missing = [word for word in words if word in GAPS]
    numbers = numbers_of([word for word in words if word not in GAPS])
    if missing and numbers:
        raise RequestError(
            f"{source}: the label column {label!r} has missing values ({missing[0]!r} among "
            "numbers); remove those rows, or have them dropped with "
            f'missing = ["{missing[0]}"]'
        )
    keys: Sequence[Any] = numbers if numbers and not missing else words
    order = sorted(range(len(words)), key=lambda place: keys[place])
    rank = np.empty(len(words), np.int64)
    rank[order] = np.arange(len(words))
    return tuple(words[place] for place in order), rank[index.reshape(-1)]


def numbers_of(words: Sequence[str]) -> list[Decimal]:
    """The numbers that all words are, where no two are the same number; else none."""
    if not all(NUMBER.fullmatch(word) for word in words):
        return []
    numbers = [Decimal(word) for word in words]
    return numbers if len(set(numbers)) == len(numbers) else []


def names_in_identity(classes: Sequence[str]) -> list[str]:
    """The names with 1.0 as 1, since files of one content write numbers either way."""
    numbers = numbers_of(classes)
    whole = (int(n) if n == n.to_integral_value() else n.normalize() for n in numbers)
    return [str(number) for number in whole] if numbers else list(classes)


def is_text(kind: pa.DataType) -> bool:
    """Strings, or bytes."""
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary))


def lookalikes(classes: Sequence[str]) -> list[str]:
    """A sentence for classes that differ only by blanks, case or Unicode form, and for each that
    reads like a gap."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        folded = unicodedata.normalize("NFKC", name).casefold()
        folded = "".join(c for c in folded if c.isspace() or unicodedata.category(c)[0] != "C")
        groups[" ".join(folded.split())].append(name)
    alike = [names for names in groups.values() if len(names) > 1]
    shown = "; ".join(" and ".join(map(ascii, names[:4])) for names in alike[:3])
    many = f" and {len(alike) - 3} more such groups" if len(alike) > 3 else ""
    notes = [
        f"class {name!r} reads like a missing label; if it is one, missing = [{json.dumps(name)}] "
        "drops its rows"
        for name in classes
        if name in GAPS or name == "?"
    ]
    if alike:
        notes.append(f"classes differ only by blanks, case or Unicode form: {shown}{many}")
    return notes
