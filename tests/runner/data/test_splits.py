"""Splits: disjoint, of the right sizes, each seed's own, standardised by the training split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.contract import Array
from caviar.model.steps.examples import Examples
from caviar.model.steps.setup import Splits
from caviar.runner.config import DatasetConfig, TrialConfig
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data, make_splits, split_sizes
from caviar.runner.errors import RequestError

RNG = np.random.default_rng(3)
FEATURES = RNG.gamma(2.0, size=(200, 4)) * [1.0, 10.0, 0.1, 1.0] + [5.0, 0.0, -3.0, 0.0]
FEATURES[:, 3] = 7.0
DATA = Data(FEATURES, np.arange(200) % 2, ("a", "b"), pixels=False)
PIXELS = Data(RNG.integers(0, 256, (200, 5)).astype("u1"), np.arange(200) % 2, ("a", "b"), True)


def splits(data: Data = DATA, seeds: tuple[int, ...] = (0, 1, 2), **dataset: Any) -> Splits:
    dataset_config = DatasetConfig(**{"name": "wine", "train": 120, "validation": 30, **dataset})
    return make_splits(data, config_of(dataset_config, seeds, "float64"))


def config_of(dataset: DatasetConfig, seeds: tuple[int, ...], dtype: str) -> TrialConfig:
    fields = {"seeds": seeds, "dtype": dtype, "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    return TrialConfig(dataset=dataset, **fields)  # type: ignore[arg-type]


def all_rows(examples: Examples) -> Array:
    rows = np.broadcast_to(np.arange(len(examples)), (examples.replicas, len(examples)))
    return examples.take(rows)[0]


def three(parts: Splits) -> tuple[Examples, Examples, Examples]:
    return parts.train, parts.validation, parts.test


def test_splits_are_disjoint_and_complete_for_every_seed() -> None:
    indices = np.concatenate([part.index for part in three(splits())], axis=1)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(200), (3, 1)))


def test_splits_have_the_sizes_asked_for() -> None:
    assert [len(part) for part in three(splits())] == [120, 30, 50]
    assert [len(part) for part in three(splits(test=20))] == [120, 30, 20]


def test_splits_differ_by_seed_and_repeat_with_it() -> None:
    first, again = splits(seeds=(5, 6)), splits(seeds=(5, 6))
    np.testing.assert_array_equal(first.train.index, again.train.index)
    assert set(first.train.index[0]) != set(first.train.index[1])
    assert set(first.test.index[0]) != set(first.test.index[1])


def test_a_seed_has_the_same_split_in_any_company() -> None:
    alone, company = splits(seeds=(6,)), splits(seeds=(5, 6, 9))
    for one, many in zip(three(alone), three(company), strict=True):
        np.testing.assert_array_equal(one.index[0], many.index[1])
        np.testing.assert_array_equal(one.centre[0], many.centre[1])


def test_each_feature_is_standardised_with_the_moments_of_the_training_split() -> None:
    x = all_rows(splits().train)
    np.testing.assert_allclose(x.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(x[:, :, :3].std(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("scaling", ["each", "together"])
def test_the_other_splits_are_standardised_as_the_training_split_is(scaling: str) -> None:
    parts = splits(scaling=scaling)
    for part in three(parts):
        for r in range(3):
            train = FEATURES[parts.train.index[r]]
            deviation = train.std(axis=0)
            if scaling == "together":
                deviation = np.full(4, np.sqrt(np.mean(train.var(axis=0))))
            safe = np.where(deviation > 0, deviation, 1.0)
            expected = (FEATURES[part.index[r]] - train.mean(axis=0)) / safe
            np.testing.assert_allclose(all_rows(part)[r], expected, rtol=1e-9, atol=1e-12)


def test_validation_and_test_are_not_standardised_with_their_own_moments() -> None:
    for part in three(splits())[1:]:
        assert np.abs(all_rows(part)[:, :, :3].mean(axis=1)).max() > 1e-3


def test_a_constant_feature_becomes_zero() -> None:
    for scaling in ("each", "together"):
        for part in three(splits(scaling=scaling)):
            assert not all_rows(part)[:, :, 3].any()


def test_a_feature_that_is_constant_in_training_only_becomes_zero() -> None:
    features = np.zeros((200, 2))
    features[:, 1] = np.arange(200)
    only_in_test = splits(Data(features, DATA.labels, DATA.classes, False), seeds=(0,)).test
    features[only_in_test.index[0, 0], 0] = 9.0
    parts = splits(Data(features, DATA.labels, DATA.classes, False), seeds=(0,))
    assert not all_rows(parts.test)[:, :, 0].any()


def test_pixels_share_one_deviation_by_default() -> None:
    assert np.ptp(splits(PIXELS).train.scale, axis=2).max() == 0
    assert np.ptp(splits(PIXELS, scaling="each").train.scale, axis=2).min() > 0
    assert np.ptp(splits(DATA).train.scale, axis=2).min() > 0


def test_pixels_are_not_copied() -> None:
    parts = splits(PIXELS)
    assert all(part.features is PIXELS.features for part in three(parts))


def test_the_data_are_not_changed() -> None:
    before = DATA.fingerprint
    all_rows(splits().train)
    assert DATA.fingerprint == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_have_the_type_asked_for(dtype: str) -> None:
    dataset_config = DatasetConfig(name="wine", train=120, validation=30)
    config = config_of(dataset_config, (0,), dtype)
    for data in (DATA, PIXELS):
        assert all_rows(make_splits(data, config).train).dtype == dtype


def test_labels_follow_their_examples() -> None:
    data = load_data(DatasetConfig(name="iris"))
    part = splits(data, train=90, seeds=(4,)).test
    _, labels = part.take(np.arange(len(part))[None])
    np.testing.assert_array_equal(labels[0], data.labels[part.index[0]])


def test_fractions_are_of_all_examples() -> None:
    assert split_sizes(DatasetConfig(name="d"), 1000) == (600, 200, 200)
    assert split_sizes(DatasetConfig(name="d", train=0.5, validation=100), 1000) == (500, 100, 400)
    shares = DatasetConfig(name="d", train=0.25, validation=0.1, test=0.15)
    assert split_sizes(shares, 1000) == (250, 100, 150)


share = st.floats(0.001, 0.999) | st.integers(1, 300)


@settings(deadline=None)
@given(train=share, validation=share, test=share | st.none(), examples=st.integers(1, 300))
def test_sizes_fit_or_are_refused(
    train: float, validation: float, test: float | None, examples: int
) -> None:
    dataset = DatasetConfig(name="d", train=train, validation=validation, test=test)
    try:
        sizes = split_sizes(dataset, examples)
    except RequestError as error:
        assert f"do not fit into {examples}" in str(error)
    else:
        assert min(sizes) >= 1 and sum(sizes) <= examples
        assert test is not None or sum(sizes) == examples
