"""Columns of a table as features and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from caviar.runner.data.columns import Columns, chosen_columns, from_table
from caviar.runner.data.labels import is_text
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

Y = DatasetConfig(path="t", label="y")
WORDS = [("ant", "bee", "cow")[i % 3] for i in range(60)]
NUMBERS = np.random.default_rng(0).normal(size=60)


def test_integers_and_truth_values_are_numbers() -> None:
    columns: dict[str, Any] = {"a": list(range(60)), "b": [i % 2 == 0 for i in range(60)]}
    features = from_table(pa.table({**columns, "y": WORDS}), "t", Y).features
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features, np.stack([columns["a"], columns["b"]], axis=1))


def test_categories_of_a_dictionary_column_are_labels() -> None:
    labels = pa.array(WORDS).dictionary_encode()
    data = from_table(pa.table({"a": NUMBERS, "y": labels}), "t", Y)
    assert data.classes == ("ant", "bee", "cow")
    assert data.labels.tolist() == [i % 3 for i in range(60)]


TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"a": [1.0], "z": ["u"]}, "t: there is no label 'y'; allowed are a, z"),
    "label alone": ({"y": ["u"]}, "t: no feature column besides the label 'y'"),
    "words": ({"a": ["u"], "y": ["u"]}, "t: not numeric: a; encode such columns as numbers"),
    "nested label": ({"a": [1.0], "y": [[1]]}, "the label column 'y' does not hold plain values"),
    "no label given": ({"a": [1.0, 2.0], "y": ["u", None]}, "label column 'y' has missing values"),
    "empty label": ({"a": [1.0, 2.0], "y": ["u", ""]}, "label column 'y' has missing values"),
    "long label": ({"a": [1.0], "y": ["u" * 1001]}, "a label in 'y' has more than 1000 bytes"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_is_none_is_refused(case: str) -> None:
    columns, words = TABLES[case]
    with pytest.raises(RequestError) as caught:
        from_table(pa.table(columns), "t", Y)
    assert words in str(caught.value)


def test_a_repeated_name_is_refused_by_the_schema_alone() -> None:
    schema = pa.schema([("a", pa.float64()), ("a", pa.float64()), ("y", pa.string())])
    with pytest.raises(RequestError, match="t: the column name 'a' appears twice"):
        chosen_columns(schema, "t", Y)


def test_strings_and_bytes_are_text() -> None:
    kinds = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.int8())
    assert [is_text(kind) for kind in kinds] == [True, True, True, True, False]


def chosen(columns: dict[str, Any], **dataset: Any) -> Columns:
    request = DatasetConfig(path="t", label="y", **dataset)
    return chosen_columns(pa.table(columns).schema, "t", request)


def test_an_index_is_left_out_with_a_word() -> None:
    for name, called in {
        "": "the first column, which has no name,",
        "Unnamed: 0": "column 'Unnamed: 0'",
        "__index_level_0__": "column '__index_level_0__'",
    }.items():
        features, notes = chosen({name: range(60), "a": NUMBERS, "y": WORDS})
        assert features == ["a"]
        assert notes == [f"{called} is left out as an index (features = [...] takes it)"]


def test_an_index_with_a_name_is_what_pandas_says_it_is() -> None:
    table = pd.DataFrame({"a": NUMBERS, "y": WORDS}).rename_axis("row number")
    schema = pa.Table.from_pandas(table, preserve_index=True).schema
    assert chosen_columns(schema, "t", Y).features == ["a"]


def test_features_and_excluded_columns() -> None:
    columns = {"": range(60), "a": NUMBERS, "b": NUMBERS, "word": WORDS, "y": WORDS}
    assert chosen(columns, features=["b", ""]) == (["b", ""], [])
    assert chosen(columns, exclude=["word", "b"]).features == ["a"]
    for key in ("features", "exclude"):
        with pytest.raises(
            RequestError, match=rf"t: there is no column 'c' \({key}\); allowed are"
        ):
            chosen(columns, **{key: ["c"]})
    with pytest.raises(RequestError, match="features names the label 'y'; take it out"):
        chosen(columns, features=["a", "y"])


def test_an_identifier_is_suspected_aloud() -> None:
    numbers = np.random.default_rng(1).permutation(60)
    data = from_table(pa.table({"id": numbers, "a": NUMBERS, "y": WORDS}), "t", Y)
    assert data.notes == (
        "column 'id' has another whole number in every row: if it is an identifier, leave it out "
        '(exclude = ["id"])',
    )


def test_whole_numbers_that_float64_merges_are_refused_by_name() -> None:
    numbers = [2**53 + i for i in range(60)]
    with pytest.raises(RequestError, match=r"t: 'id' holds whole numbers above 2\^53 that float64"):
        from_table(pa.table({"id": numbers, "y": WORDS}), "t", Y)
    steps = [1_700_000_000_000_000_000 + i * 10**9 for i in range(60)]
    assert len(np.unique(from_table(pa.table({"t": steps, "y": WORDS}), "t", Y).features)) == 60
