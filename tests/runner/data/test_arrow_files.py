"""Parquet, folders of Parquet, and Feather."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, ipc

from caviar.runner.data import reading
from caviar.runner.errors import RequestError
from tests.runner.small_tables import TABLE, is_the_table, load


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "t.parq", "t.csv", "t"])
def test_parquet_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / name)
    is_the_table(load(tmp_path / name))


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
@pytest.mark.parametrize("name", ["t.feather", "t.arrow", "t"])
def test_feather(name: str, compression: str, tmp_path: Path) -> None:
    feather.write_feather(TABLE, str(tmp_path / name), compression=compression)
    is_the_table(load(tmp_path / name))


def test_feather_with_categories(tmp_path: Path) -> None:
    TABLE.astype({"y": "category"}).to_feather(tmp_path / "t.feather")
    is_the_table(load(tmp_path / "t.feather"))


def test_a_packed_feather_file_is_counted_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = pa.table({"a": np.zeros(4_000_000), "y": pa.array(["p"] * 4_000_000)})
    options = ipc.IpcWriteOptions(compression="zstd")
    with ipc.new_file(str(tmp_path / "t.arrow"), zeros.schema, options=options) as file:
        file.write_table(zeros)
    monkeypatch.setattr(reading, "MOST_VALUES", 3_000_000)
    before = pa.total_allocated_bytes()
    with pytest.raises(RequestError, match=r"t.arrow unpacks to [\d,]+ bytes and more"):
        load(tmp_path / "t.arrow")
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_a_folder_whose_folders_are_the_label(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "t.parquet", partition_cols=["y"])
    data = load(tmp_path / "t.parquet")
    assert data.classes == ("ant", "bee", "cow")
    rows = sorted(map(tuple, np.column_stack([data.features, data.labels]).tolist()))
    expected = [(a, b, float("abc".index(y[0]))) for a, b, y in TABLE.itertuples(index=False)]
    assert rows == sorted(expected)


def test_a_folder_whose_folders_are_a_feature(tmp_path: Path) -> None:
    TABLE.assign(year=[2023, 2024] * 30).to_parquet(tmp_path / "t", partition_cols=["year"])
    data = load(tmp_path / "t")
    assert data.names == ("a", "b", "year")
    assert sorted(set(data.features[:, 2])) == [2023, 2024]


def test_a_folder_of_parts(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for i in range(3):
        TABLE[i * 20 : (i + 1) * 20].to_parquet(tmp_path / "t" / f"part-{i}.parquet", index=False)
    (tmp_path / "t" / "_SUCCESS").touch()
    is_the_table(load(tmp_path / "t"))


def test_a_folder_without_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="that is a folder without Parquet files"):
        load(tmp_path)


def test_a_folder_of_too_many_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    TABLE.to_parquet(tmp_path / "t", partition_cols=["y"])
    monkeypatch.setattr(reading, "MOST_VALUES", 100)
    with pytest.raises(RequestError, match="t: so far, 120 values, above the 100"):
        load(tmp_path / "t")
