"""Features are centred exactly, and what rounding alone made is no feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.runner.config import TrialConfig
from caviar.runner.data.scaling import origins
from caviar.runner.data.sources import BUNDLED, load_data
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.fields.dataset import DatasetConfig

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=400)
LABELS = np.arange(400) % 2


def config(dtype: str = "float32", **dataset: Any) -> TrialConfig:
    dataset_config = DatasetConfig(name="wine", **dataset)
    more = {"seeds": (0, 1), "dtype": dtype, "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    return TrialConfig(dataset=dataset_config, **more)  # type: ignore[arg-type]


def data_of(*columns: Array) -> Data:
    names = tuple("abcdefgh"[: len(columns)])
    return Data(np.stack(columns, axis=1), LABELS, ("p", "q"), False, "t.csv", names=names)


def standardised(data: Data, dtype: str = "float32", **dataset: Any) -> Array:
    """All features of every split of the first seed, rows in the order of the data."""
    splits = make_splits(data, config(dtype, **dataset))
    rows = np.empty(data.features.shape)
    for part in (splits.train, splits.validation, splits.test):
        taken, _ = part.replica(0).take(np.arange(len(part))[None])
        rows[part.index[0]] = taken[0]
    return rows


OFFSETS = {
    "none": 0.0,
    "a step of float32": 1e8,
    "Unix seconds": 1.7e9,
    "Unix milliseconds": 1.7e12,
    "map coordinates": -5_932_104.0,
    "whole days": 738_000.0,
}


@pytest.mark.parametrize("scaling", ["each", "together"])
@pytest.mark.parametrize("case", OFFSETS)
def test_an_offset_changes_nothing(case: str, scaling: str) -> None:
    sixteenths = np.round(NOISE * 16) / 16
    expected = standardised(data_of(sixteenths, NOISE), scaling=scaling)
    moved = standardised(data_of(sixteenths + OFFSETS[case], NOISE), scaling=scaling)
    np.testing.assert_allclose(moved, expected, atol=2e-6)
    assert len(np.unique(moved[:, 0])) == len(np.unique(sixteenths))


def test_float32_sees_what_float64_sees_beside_one_value_far_away() -> None:
    gap = np.where(np.arange(400) == 3, 0.0, 1e8 + np.round(NOISE * 16) / 16)
    data = data_of(gap, NOISE)
    assert len(np.unique(standardised(data))) > 400 + 50
    np.testing.assert_allclose(standardised(data), standardised(data, "float64"), atol=1e-6)


@pytest.mark.parametrize("value", [37.0, 37.2, 0.1, 1e-9 / 3, 1e15 / 7, -273.15])
def test_a_feature_that_is_constant_but_for_one_row_of_the_test_split(value: float) -> None:
    test = make_splits(data_of(NOISE), config()).test.index[0]
    setpoint = np.where(np.arange(400) == test[0], value * 1.1, value)
    assert not standardised(data_of(setpoint, NOISE))[:, 0].any()


def test_a_deviation_that_rounding_explains_is_none() -> None:
    sums = np.where(LABELS == 1, 0.1 + 0.2, 0.3)
    assert np.ptp(sums) > 0 and not standardised(data_of(sums, NOISE))[:, 0].any()


def test_whole_numbers_are_not_rounded() -> None:
    ids = 4e15 + np.arange(400)
    assert len(np.unique(standardised(data_of(ids, NOISE))[:, 0])) == 400


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_features_are_rounded_as_ever(name: str) -> None:
    assert load_data(DatasetConfig(name=name)).origin is None


def test_bytes_are_not_looked_through() -> None:
    assert origins(RNG.integers(0, 256, (40, 3)).astype("u1")) is None
