"""Labels are classes as they are written."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.data.labels import lookalikes
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig


def load(path: Path) -> Data:
    return load_data(DatasetConfig(path=str(path), label="y"))


def from_csv(folder: Path, labels: list[str]) -> Data:
    lines = [f"{i % 7}.5,{labels[i % len(labels)]}" for i in range(30)]
    (folder / "t.csv").write_text("\n".join(["a,y", *lines, ""]), encoding="utf-8")
    return load(folder / "t.csv")


def from_parquet(folder: Path, labels: Any) -> Data:
    pq.write_table(pa.table({"a": np.arange(len(labels)) % 7 + 0.5, "y": labels}), folder / "t.pq")
    (folder / "t.pq").rename(folder / "t.parquet")
    return load(folder / "t.parquet")


def from_npz(folder: Path, labels: Any) -> Data:
    np.savez(folder / "t.npz", x=np.arange(len(labels)) % 7 + 0.5, y=labels)
    return load(folder / "t.npz")


WRITTEN: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "versions": (["1.10", "1.1", "1.2"], ("1.1", "1.10", "1.2")),
    "leading zeros": (["01", "1", "2"], ("01", "1", "2")),
    "whole numbers": (["10", "9", "-1"], ("-1", "9", "10")),
    "numbers": (["10.0", "9.5", "1e-07"], ("1e-07", "9.5", "10.0")),
    "one number otherwise": (["1", "1.0", "2"], ("1", "1.0", "2")),
    "truth values": (["true", "false"], ("false", "true")),
    "days": (["2024-01-02", "2023-12-31"], ("2023-12-31", "2024-01-02")),
    "times": (["12:30:00", "09:00:00"], ("09:00:00", "12:30:00")),
    "Namibia": (["NA", "DE"], ("DE", "NA")),
    "accents": (["é", "e"], ("e", "é")),
    "large": (["36893488147419103232", "5"], ("5", "36893488147419103232")),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_labels_of_a_csv_file_stay_as_they_are_written(case: str, tmp_path: Path) -> None:
    labels, classes = WRITTEN[case]
    data = from_csv(tmp_path, labels)
    assert data.classes == classes
    assert [data.classes[i] for i in data.labels[: len(labels)]] == labels


def test_a_gap_among_numbers_is_no_class(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"'y' has missing values \('NA' among numbers\)"):
        from_csv(tmp_path, ["1", "2", "NA"])


def test_categories_without_rows_are_no_classes(tmp_path: Path) -> None:
    indices = pa.array([0, 2] * 15, pa.int8())
    labels = pa.DictionaryArray.from_arrays(indices, pa.array(["u", "v", "w"]))
    data = from_parquet(tmp_path, labels)
    assert data.classes == ("u", "w") and data.labels.tolist() == [0, 1] * 15


@pytest.mark.parametrize(
    "days",
    [
        [datetime.date(2024, 1, 2), datetime.date(2023, 1, 2)] * 15,
        [datetime.datetime(2024, 1, 2, 3), datetime.datetime(2023, 1, 2, 3)] * 15,
        [datetime.time(9), datetime.time(8, 30)] * 15,
    ],
)
def test_times_and_dates_are_words(days: list[Any], tmp_path: Path) -> None:
    data = from_parquet(tmp_path, days)
    assert len(data.classes) == 2 and data.labels.tolist() == [1, 0] * 15


@pytest.mark.parametrize("load_labels", [from_parquet, from_npz])
def test_bytes_are_the_text_that_they_hold(load_labels: Any, tmp_path: Path) -> None:
    data = load_labels(tmp_path, ["caf\u00e9".encode(), b"tea"] * 15)
    assert data.classes == ("caf\u00e9", "tea")


@pytest.mark.parametrize("load_labels", [from_parquet, from_npz])
def test_bytes_of_another_encoding_are_refused_by_name(load_labels: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"the label b'caf\\xe9' in 'y' is not UTF-8"):
        load_labels(tmp_path, ["caf\u00e9".encode("latin-1"), b"tea"] * 15)


def test_labels_that_look_alike_are_pointed_at(tmp_path: Path) -> None:
    data = from_csv(tmp_path, ["Cat", "cat ", "dog"])
    assert len(data.classes) == 3
    assert data.notes == ("classes differ only by blanks, case or Unicode form: 'Cat' and 'cat '",)
    assert lookalikes(["e\u0301", "\u00e9", "e"]) == [
        "classes differ only by blanks, case or Unicode form: 'e\\u0301' and '\\xe9'"
    ]
    assert not lookalikes(["a", "b"])
