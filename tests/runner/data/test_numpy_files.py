"""NumPy's files as NumPy, Keras and pandas people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.runner.config import TrialConfig
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import make_splits
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from tests.runner.small_tables import LABELS, ROWS, TABLE, is_the_table, load

X = TABLE[["a", "b"]].to_numpy()
Y = np.arange(ROWS) % 3

LABELLED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "numbers": (Y, ("0", "1", "2")),
    "a column": (Y[:, None], ("0", "1", "2")),
    "one-hot": (np.eye(3)[Y], ("0", "1", "2")),
    "one-hot of bytes": (np.eye(3, dtype="u1")[Y], ("0", "1", "2")),
    "text": (np.array(LABELS), ("ant", "bee", "cow")),
    "objects": (np.array(LABELS, object), ("ant", "bee", "cow")),
    "a column of objects": (np.array(LABELS, object)[:, None], ("ant", "bee", "cow")),
    "bytes": (np.array(LABELS, "S"), ("ant", "bee", "cow")),
    "truth values": (Y == 1, ("False", "True")),
}


@pytest.mark.parametrize("case", LABELLED)
def test_labels_of_any_form(case: str, tmp_path: Path) -> None:
    labels, classes = LABELLED[case]
    np.savez(tmp_path / "t.npz", x=X, y=labels)
    data = load(tmp_path / "t.npz")
    assert data.classes == classes
    np.testing.assert_array_equal(data.labels, Y == 1 if len(classes) == 2 else Y)


def test_rows_of_several_ones_are_no_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=X, y=np.ones((ROWS, 3)))
    with pytest.raises(RequestError, match="y is 60 × 3; expected one label for each example"):
        load(tmp_path / "t.npz")


@pytest.mark.parametrize("label", ["y", "y_train"])
def test_the_test_set_of_keras_is_the_test_split(label: str, tmp_path: Path) -> None:
    pairs = {"x_train": X[:40], "y_train": Y[:40], "x_test": X[40:], "y_test": Y[40:]}
    np.savez(tmp_path / "t.npz", **pairs)
    data = load(tmp_path / "t.npz", label=label)
    config = TrialConfig(
        dataset=DatasetConfig(name="wine"),
        **{"seeds": (0, 1), "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5},  # type: ignore[arg-type]
    )
    splits = make_splits(data, config)
    np.testing.assert_array_equal(splits.test.index, [range(40, 60)] * 2)
    assert (len(splits.train), len(splits.validation)) == (30, 10)
    shuffled = np.sort(np.concatenate([splits.train.index, splits.validation.index], axis=1))
    np.testing.assert_array_equal(shuffled, [range(40)] * 2)
    np.savez(tmp_path / "all.npz", x=X, y=Y)
    assert load(tmp_path / "all.npz").fingerprint != data.fingerprint


def test_npy_tables_and_pairs(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.column_stack([X, Y]))
    data = load(tmp_path / "t.npy", label="3")
    np.testing.assert_array_equal(data.features, X)
    assert data.classes == ("0.0", "1.0", "2.0")
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array(LABELS))
    places = {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    is_the_table(load_data(DatasetConfig(**places)))  # type: ignore[arg-type]
