"""A fingerprint is of everything that a training takes from the data, and of nothing else."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.contract import Array
from caviar.runner.config import TrialConfig
from caviar.runner.data.identity import BUNDLED_CONTENT
from caviar.runner.data.sources import BUNDLED, load_data
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.fields.dataset import DatasetConfig

FORMER = {
    "breast_cancer": "4802323d42a5",
    "digits": "fc303bf47cac",
    "iris": "6359bca024da",
    "wine": "04db559b4528",
}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_keep_their_fingerprint(name: str) -> None:
    data = load_data(DatasetConfig(name=name))
    assert data.fingerprint == data.former_fingerprint == FORMER[name]
    assert BUNDLED_CONTENT[FORMER[name]] == ("together" if data.pixels else "each", data.classes)


def test_bytes_of_images_keep_theirs() -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 16)).astype("u1")
    names = tuple("0123")
    data = Data(images, np.arange(80) % 4, names, True, shape=(4, 4))
    assert data.fingerprint == data.former_fingerprint


def trained_on(data: Data, scaling: str | None = None) -> tuple[Any, ...]:
    """What a network is given: standardised numbers, labels, and how many outputs it needs."""
    dataset = DatasetConfig(name="wine", scaling=scaling)  # type: ignore[arg-type]
    more = {"seeds": (0,), "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    splits = make_splits(data, TrialConfig(dataset=dataset, **more))  # type: ignore[arg-type]
    parts = [
        part.take(np.arange(len(part))[None])
        for part in (splits.train, splits.validation, splits.test)
    ]
    return len(data.classes), *(a.tobytes() for part in parts for a in part)


@st.composite
def small_data(draw: st.DrawFn) -> Data:
    """Few values, so that two draws are often alike in much."""
    rows = 12
    chosen = np.frombuffer(draw(st.binary(min_size=rows * 4, max_size=rows * 4)), "u1") % 3
    kind = draw(st.sampled_from(["f4", "f8"]))
    classes = draw(st.sampled_from([("0", "1"), ("a", "b"), ("0", "1", "2")]))
    labels = np.arange(rows) % len(classes)
    shape = draw(st.sampled_from([(4,), (2, 2)]))
    features = np.array([0.0, 1.0, 2.5])[chosen].reshape(rows, 4).astype(kind)
    return Data(features, labels, classes, draw(st.booleans()), shape=shape)


@settings(max_examples=300, deadline=None)
@given(small_data(), small_data(), st.booleans())
def test_data_that_train_differently_never_share_a_fingerprint(
    one: Data, other: Data, alike: bool
) -> None:
    if alike:  # Where the numbers are the same, all else has to tell them apart.
        other = replace(other, features=one.features)
    if trained_on(one) != trained_on(other):
        assert one.fingerprint != other.fingerprint


@settings(max_examples=100, deadline=None)
@given(small_data(), st.sampled_from(["classes", "shape", "pixels"]))
def test_each_part_counts(data: Data, part: str) -> None:
    changed: dict[str, Any] = {
        "classes": tuple(f"{name}!" for name in data.classes),
        "shape": (1, 4),
        "pixels": not data.pixels,
    }
    assert replace(data, **{part: changed[part]}).fingerprint != data.fingerprint


def by_every_route(folder: Path, features: Array, labels: list[Any]) -> list[Data]:
    columns = {f"f{i}": features[:, i] for i in range(features.shape[1])}
    table = pa.table({**columns, "y": labels})
    pa_csv.write_csv(table, folder / "t.csv")
    pq.write_table(table, folder / "t.parquet")
    np.savez(folder / "t.npz", x=features, y=labels)
    np.savez(folder / "fortran.npz", x=np.asfortranarray(features), y=labels)
    np.savez(folder / "swapped.npz", x=features.astype(features.dtype.newbyteorder(">")), y=labels)
    names = ("t.csv", "t.parquet", "t.npz", "fortran.npz", "swapped.npz")
    return [load_data(DatasetConfig(path=str(folder / name), label="y")) for name in names]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["f4", "f8", "i8", "i4"]),
    st.sampled_from([[0, 1, 2], ["a", "b", "c"], ["01", "1", "1.0"], [0.5, 1.0, 10.0], [2, 10, 9]]),
    st.integers(0, 5),
)
def test_the_same_content_shares_it_and_trains_the_same(
    kind: str, names: list[Any], seed: int
) -> None:
    features = (np.random.default_rng(seed).normal(size=(30, 3)) * 1000).astype(kind)
    labels = [names[i % 3] for i in range(30)]
    with tempfile.TemporaryDirectory() as folder:
        routes = by_every_route(Path(folder), features, labels)
    # The digits that text has of a float32 are those of another float64.
    first, *others = routes[1:] if kind == "f4" else routes
    for other in others:
        assert other.fingerprint == first.fingerprint
        assert trained_on(other) == trained_on(first)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_set_from_a_file_is_the_bundled_set(name: str, tmp_path: Path) -> None:
    data = load_data(DatasetConfig(name=name))
    labels = [data.classes[i] for i in data.labels]
    scaling: Any = "together" if name == "digits" else None
    for other in by_every_route(tmp_path, data.features, labels):
        other = replace(other, scaling_given=scaling is not None)
        assert other.fingerprint == data.fingerprint
        assert trained_on(other, scaling) == trained_on(data)


def test_the_digits_as_a_table_are_another_data_set(tmp_path: Path) -> None:
    data = load_data(DatasetConfig(name="digits"))
    for other in by_every_route(tmp_path, data.features, data.labels.tolist()):
        assert other.fingerprint != data.fingerprint
