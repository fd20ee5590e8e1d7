"""Files of data: CSV, Parquet, NPZ and IDX become the same numbers."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.model.contract import Array
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

RNG = np.random.default_rng(0)


NUMBERS = RNG.normal(size=(60, 3))


WORDS = [("ant", "bee", "cow")[i % 3] for i in range(60)]


IMAGES = RNG.integers(0, 256, (60, 5, 4)).astype("u1")


DIGITS = (np.arange(60) % 4).astype("u1")


def table(path: Path, label: str = "y") -> Data:
    return load_data(DatasetConfig(path=str(path), label=label))


def images(first: Path, second: Path) -> Data:
    return load_data(DatasetConfig(images=str(first), labels=str(second)))


def idx(array: Array) -> bytes:
    kinds = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    head = struct.pack(">HBB", 0, kinds[array.dtype.str[1:]], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def columns() -> dict[str, Any]:
    return {"a": NUMBERS[:, 0], "y": WORDS, "b": NUMBERS[:, 1], "c": NUMBERS[:, 2]}


def is_the_table(data: Data) -> None:
    np.testing.assert_array_equal(data.features, NUMBERS)
    assert data.classes == ("ant", "bee", "cow")
    assert data.labels.tolist() == [i % 3 for i in range(60)]
    assert data.labels.dtype == np.int64 and not data.pixels


@pytest.mark.parametrize("name", ["t.csv", "t.data", "t.CSV"])
def test_csv(name: str, tmp_path: Path) -> None:
    lines = [",".join(map(str, row)) for row in zip(*columns().values(), strict=True)]
    (tmp_path / name).write_text("\n".join(["a,y,b,c", *lines, ""]))
    is_the_table(table(tmp_path / name))


@pytest.mark.parametrize("name", ["t.parquet", "t.PARQUET"])
def test_parquet(name: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns()), tmp_path / name)
    is_the_table(table(tmp_path / name))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "t.npz", x=NUMBERS, y=WORDS)
    is_the_table(table(tmp_path / "t.npz"))


def test_npz_of_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=IMAGES, y=DIGITS)
    data = table(tmp_path / "t.npz")
    np.testing.assert_array_equal(data.features, IMAGES.reshape(60, 20))
    assert data.features.dtype == np.uint8 and data.pixels


def test_npz_of_one_feature(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=NUMBERS[:, 0], y=WORDS)
    assert table(tmp_path / "t.npz").features.shape == (60, 1)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_idx(kind: str, zipped: bool, tmp_path: Path) -> None:
    pixels = (IMAGES // 2).astype(kind)
    for name, array in (("images", pixels), ("labels", DIGITS)):
        content = idx(array)
        (tmp_path / name).write_bytes(gzip.compress(content) if zipped else content)
    data = images(tmp_path / "images", tmp_path / "labels")
    np.testing.assert_array_equal(data.features, pixels.reshape(60, 20))
    assert data.features.dtype.newbyteorder("=") == np.dtype(kind)
    assert data.labels.tolist() == DIGITS.tolist()
    assert data.classes == ("0", "1", "2", "3") and data.pixels


def test_channels_over_time_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x=RNG.normal(size=(60, 8, 3)), y=DIGITS)
    with pytest.raises(RequestError) as caught:
        table(path)
    assert "t.npz: x is 60 × 8 × 3: images, or channels over time?" in str(caught.value)
    for scaling in ("each", "together"):
        scaled = DatasetConfig(path=str(path), label="y", scaling=scaling)
        assert load_data(scaled).features.shape == (60, 24)


def test_whole_numbers_that_float64_merges_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=2**53 + np.arange(60), y=DIGITS)
    with pytest.raises(RequestError, match="'column 0 of x' holds whole numbers above 2"):
        table(tmp_path / "t.npz")
