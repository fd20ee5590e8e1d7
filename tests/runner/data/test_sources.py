"""Data sets by name, and what tells one from another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from caviar.runner.config import DatasetConfig
from caviar.runner.data.sources import BUNDLED, load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(60, 3))
WORDS = [("ant", "bee", "cow")[i % 3] for i in range(60)]


def table(path: Path, label: str = "y") -> Data:
    return load_data(DatasetConfig(path=str(path), label=label))


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
    data = load_data(DatasetConfig(images=str(first), labels=str(second)))
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
