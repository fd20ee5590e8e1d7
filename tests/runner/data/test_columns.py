"""Columns of a table as features and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from caviar.runner.data.columns import from_table, is_text, wanted_columns
from caviar.runner.errors import RequestError

WORDS = [("ant", "bee", "cow")[i % 3] for i in range(60)]
NUMBERS = np.random.default_rng(0).normal(size=60)


def test_integers_and_truth_values_are_numbers() -> None:
    columns: dict[str, Any] = {"a": list(range(60)), "b": [i % 2 == 0 for i in range(60)]}
    features = from_table(pa.table({**columns, "y": WORDS}), "t", "y").features
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features, np.stack([columns["a"], columns["b"]], axis=1))


def test_categories_of_a_dictionary_column_are_labels() -> None:
    labels = pa.array(WORDS).dictionary_encode()
    data = from_table(pa.table({"a": NUMBERS, "y": labels}), "t", "y")
    assert data.classes == ("ant", "bee", "cow")
    assert data.labels.tolist() == [i % 3 for i in range(60)]


TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"a": [1.0], "z": ["u"]}, "t: there is no label 'y'; allowed are a, z"),
    "label alone": ({"y": ["u"]}, "t: no feature column besides the label 'y'"),
    "words": ({"a": ["u"], "y": ["u"]}, "t: not numeric: a; encode such columns as numbers"),
    "nested label": ({"a": [1.0], "y": [[1]]}, "the label column 'y' holds no plain values"),
    "no label given": ({"a": [1.0, 2.0], "y": ["u", None]}, "label column 'y' has missing values"),
    "empty label": ({"a": [1.0, 2.0], "y": ["u", ""]}, "label column 'y' has missing values"),
    "long label": ({"a": [1.0], "y": ["u" * 1001]}, "a label in 'y' has more than 1000 bytes"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_is_none_is_refused(case: str) -> None:
    columns, words = TABLES[case]
    with pytest.raises(RequestError) as caught:
        from_table(pa.table(columns), "t", "y")
    assert words in str(caught.value)


def test_a_repeated_name_is_refused_by_the_schema_alone() -> None:
    schema = pa.schema([("a", pa.float64()), ("a", pa.float64()), ("y", pa.string())])
    with pytest.raises(RequestError, match="t: the column name 'a' stands twice"):
        wanted_columns(schema, "t", "y")


def test_strings_and_bytes_are_text() -> None:
    kinds = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.int8())
    assert [is_text(kind) for kind in kinds] == [True, True, True, True, False]
