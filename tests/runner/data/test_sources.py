"""Data sets by name, and what tells one from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from caviar.runner.config import TrialConfig
from caviar.runner.data.sources import BUNDLED, load_data
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

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


def with_test(folder: Path, main: str, test: str, **keys: object) -> Data:
    places = {"path": str(folder / main), "label": "y", "test": {"path": str(folder / test)}}
    return load_data(DatasetConfig(**places, **keys))  # type: ignore[arg-type]


def test_a_test_file_is_the_test_split_of_every_seed(tmp_path: Path) -> None:
    pairs: dict[str, Any] = {"x_train": NUMBERS[:40], "y_train": WORDS[:40]}
    np.savez(tmp_path / "keras.npz", x_test=NUMBERS[40:], y_test=WORDS[40:], **pairs)
    np.savez(tmp_path / "main.npz", x=NUMBERS[:40], y=WORDS[:40])
    np.savez(tmp_path / "late.npz", x=NUMBERS[40:], y=WORDS[40:])
    data = with_test(tmp_path, "main.npz", "late.npz")
    keras = load_data(DatasetConfig(path=str(tmp_path / "keras.npz"), label="y_train"))
    assert data.fingerprint == keras.fingerprint != table(tmp_path / "main.npz").fingerprint
    assert data.notes == ("the test split of every seed is late.npz, 20 rows",)
    seeds = {"seeds": (0, 1), "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    files = {"path": "main.npz", "label": "y", "test": {"path": "late.npz"}}
    trials = [TrialConfig(dataset=d, **seeds) for d in (files, {"name": "x"})]  # type: ignore[arg-type]
    for trial in trials:
        splits = make_splits(data, trial)
        np.testing.assert_array_equal(splits.test.index, [range(40, 60)] * 2)
        assert (len(splits.train), len(splits.validation)) == (30, 10)
    assert trials[0].trial_id == trials[1].trial_id  # The fingerprint stands for the file.


def test_a_test_file_has_the_columns_and_classes_of_the_main_file(tmp_path: Path) -> None:
    frame = pd.DataFrame(NUMBERS, columns=["a", "b", "c"]).assign(y=WORDS)
    frame[:40].to_csv(tmp_path / "main.csv")  # with pandas' index
    frame[40:].assign(word="x")[["c", "word", "y", "b", "a"]].to_parquet(tmp_path / "late.pq")
    data = with_test(tmp_path, "main.csv", "late.pq")
    assert data.names == ("a", "b", "c") and data.given_test == 20
    np.testing.assert_allclose(data.features, NUMBERS, rtol=1e-12)
    assert [data.classes[i] for i in data.labels] == WORDS
    for name, change in (
        ("columns", frame[40:].drop(columns="b")),
        ("classes", frame[40:].assign(y=[w.upper() for w in WORDS[40:]])),
    ):
        change.to_csv(tmp_path / f"{name}.csv", index=False)
    for test, refusal in (
        ("columns.csv", r"^dataset.test: columns.csv: there is no column 'b' \(features\)"),
        ("classes.csv", "^dataset.test: classes.csv has the class 'ANT', which main.csv lacks "),
        ("nowhere.csv", "^dataset.test: there is no file .*nowhere.csv"),
    ):
        with pytest.raises(RequestError, match=refusal):
            with_test(tmp_path, "main.csv", test)
    with pytest.raises(ValueError, match="is given as the main one is"):
        DatasetConfig(name="wine", test={"path": "late.csv"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown key 'paht'; did you mean 'path'"):
        DatasetConfig(path="main.csv", label="y", test={"paht": "late.csv"})  # type: ignore[arg-type]


def test_a_test_file_of_other_examples_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "main.npz", x=NUMBERS, y=WORDS)
    np.savez(tmp_path / "short.npz", x=NUMBERS[:, :2], y=WORDS)
    pairs: dict[str, Any] = {
        "x_train": NUMBERS,
        "y_train": WORDS,
        "x_test": NUMBERS,
        "y_test": WORDS,
    }
    np.savez(tmp_path / "both.npz", **pairs)
    with pytest.raises(RequestError, match=r"has 2 values in short.npz, but 3 in main.npz"):
        with_test(tmp_path, "main.npz", "short.npz")
    with pytest.raises(RequestError, match=r"both.npz is split into a training and a test set"):
        with_test(tmp_path, "both.npz", "main.npz")
