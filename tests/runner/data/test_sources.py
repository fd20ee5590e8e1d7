"""Data sets from every kind of file and from scikit-learn."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import datasets

from caviar.model.contract import Array
from caviar.runner.config import DatasetConfig
from caviar.runner.data.sources import BUNDLED, load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
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


def test_integers_and_truth_values_are_numbers(tmp_path: Path) -> None:
    a, b = np.arange(60), np.arange(60) % 2 == 0
    pq.write_table(pa.table({"a": a, "b": b, "y": WORDS}), tmp_path / "t.parquet")
    features = table(tmp_path / "t.parquet").features
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features, np.stack([a, b], axis=1))


def test_categories_of_a_dictionary_column_are_labels(tmp_path: Path) -> None:
    own = {"a": NUMBERS[:, 0], "y": pa.array(WORDS).dictionary_encode()}
    pq.write_table(pa.table(own), tmp_path / "t.parquet")
    assert table(tmp_path / "t.parquet").classes == ("ant", "bee", "cow")


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


@pytest.mark.parametrize(
    ("name", "shape", "classes", "pixels"),
    [
        ("digits", (1797, 64), 10, True),
        ("iris", (150, 4), 3, False),
        ("wine", (178, 13), 3, False),
        ("breast_cancer", (569, 30), 2, False),
    ],
)
def test_bundled(name: str, shape: tuple[int, int], classes: int, pixels: bool) -> None:
    data = load_data(DatasetConfig(name=name))
    assert data.features.shape == shape and data.labels.shape == shape[:1]
    assert len(data.classes) == classes and data.pixels is pixels
    assert set(data.labels) == set(range(classes))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_are_those_that_scikit_learn_loads(name: str) -> None:
    data, bunch = load_data(DatasetConfig(name=name)), getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(data.features, bunch.data)
    assert data.features.dtype == bunch.data.dtype
    assert [data.classes[i] for i in data.labels] == [
        str(bunch.target_names[i]) for i in bunch.target
    ]


def test_a_set_that_scikit_learn_no_longer_brings_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BUNDLED, "wine", "vinegar.csv")
    with pytest.raises(RequestError, match=r"^wine: this version .* does not bring vinegar.csv; "):
        load_data(DatasetConfig(name="wine"))


def test_labels_keep_the_names_of_the_classes() -> None:
    data = load_data(DatasetConfig(name="iris"))
    assert data.classes == ("setosa", "versicolor", "virginica")
    assert data.labels.tolist() == [0] * 50 + [1] * 50 + [2] * 50


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", x=NUMBERS, y=WORDS)
    np.savez_compressed(tmp_path / "two.npz", y=WORDS, x=NUMBERS)
    moved = NUMBERS.copy()
    moved[7, 1] = np.nextafter(moved[7, 1], 9)
    np.savez(tmp_path / "value.npz", x=moved, y=WORDS)
    np.savez(tmp_path / "label.npz", x=NUMBERS, y=[*WORDS[1:], WORDS[0]])
    np.savez(tmp_path / "type.npz", x=NUMBERS.astype("f4"), y=WORDS)
    names = ("one", "two", "value", "label", "type")
    prints = [table(tmp_path / f"{name}.npz").fingerprint for name in names]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_handwritten_digits_of_the_workplace() -> None:
    first, second = (SHARED / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    if not (first.exists() and second.exists()):
        pytest.skip(f"{first} is not on this machine")
    data = images(first, second)
    assert data.features.shape == (10_000, 784) and data.features.dtype == np.uint8
    assert data.classes == tuple("0123456789") and data.pixels
    assert data.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_letters_of_the_workplace() -> None:
    source = SHARED / "letter-recognition.data"
    if not source.exists():
        pytest.skip(f"{source} is not on this machine")
    data = table(source, "Letter")
    assert data.features.shape == (20_000, 16) and data.features.max() == 15
    assert data.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
