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
from caviar.runner.config import TrialConfig
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data, check_pools, make_splits, split_sizes
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study import Study

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


POOL_SIZES: dict[str, Any] = {"train": 20, "validation": 6, "test": 7}
RARE = np.where(np.arange(200) % 10 == 0, 1, 0)
MANY = Data(np.random.default_rng(3).normal(size=(200, 4)), RARE, ("common", "rare"), False)


def pools(seeds: tuple[int, ...], **dataset: Any) -> Splits:
    asked = DatasetConfig(**{"name": "wine", "split": "disjoint", **POOL_SIZES, **dataset})
    config: dict[str, Any] = {"seeds": seeds, "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    return make_splits(MANY, TrialConfig(dataset=asked, **config))


def in_pools(parts: Splits) -> Array:
    return np.concatenate(
        [part.index for part in (parts.train, parts.validation, parts.test)], axis=1
    )


def study(**dataset: Any) -> Study:
    return Study.model_validate(
        {
            "name": "pools",
            "dataset": {"name": "wine", **dataset},
            "replicas": 5,
            "budget": {"steps": 2},
            "fixed": {"batch_size": 8, "hidden": [4]},
            "scientific": {"norm_batch_size": [4, 8]},
        }
    )


@pytest.mark.parametrize("first", [0, 4, 1000])
def test_no_two_seeds_share_an_example(first: int) -> None:
    parts = pools(tuple(range(first, first + 6)))
    assert np.unique(in_pools(parts)).size == 6 * 33
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [20, 6, 7]


def test_a_seed_has_the_same_examples_in_any_company() -> None:
    alone, company = in_pools(pools((4,))), in_pools(pools((2, 3, 4, 5)))
    np.testing.assert_array_equal(alone[0], company[2])


def test_two_seeds_of_one_pool_divide_it_differently() -> None:
    here, later = in_pools(pools((1, 7)))
    assert set(here) == set(later) and set(here[:20]) != set(later[:20])


def test_stratified_pools_and_their_splits_have_their_share_of_a_rare_class() -> None:
    parts = pools(tuple(range(6)), stratified=True)
    assert set(RARE[in_pools(parts)].sum(axis=1)) <= {3, 4}
    assert set(RARE[parts.train.index].sum(axis=1)) <= {1, 2, 3}
    assert np.ptp(RARE[in_pools(pools(tuple(range(6))))].sum(axis=1)) > 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            POOL_SIZES,
            "lower replicas to 6, or the sizes: train = 17, validation = 6, test = 5 would",
        ),
        ({"train": 9, "validation": 3}, "needs a size for test"),
        ({"train": 0.5, "validation": 0.2, "test": 0.3}, "lower replicas to 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers_that_do(given: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        check_pools(MANY, DatasetConfig(name="wine", split="disjoint", **given), 7)
    check_pools(MANY, DatasetConfig(name="wine", split="disjoint", **POOL_SIZES), 6)


def test_a_given_test_set_cannot_be_each_seed_s_own() -> None:
    given = Data(MANY.features, RARE, MANY.classes, False, given_test=40)
    with pytest.raises(RequestError, match="the last 40 examples are the test split of every seed"):
        check_pools(given, DatasetConfig(name="wine", split="disjoint", **POOL_SIZES), 2)


def test_a_study_that_does_not_set_it_keeps_its_name_and_its_trials() -> None:
    plain, random = (make_plan(study(**more)) for more in ({}, {"split": "random"}))
    disjoint = make_plan(study(train=20, validation=6, test=7, split="disjoint"))
    assert plain.hash() == random.hash() != disjoint.hash()
    assert "split" not in plain.identity()["dataset"]
    assert [t.trial_id for t in plain.trials] == [t.trial_id for t in random.trials]
    shared = make_plan(study(train=20, validation=6, test=7))
    assert {t.trial_id for t in disjoint.trials}.isdisjoint(t.trial_id for t in shared.trials)


def test_labels_are_replaced_in_training_alone() -> None:
    noisy = splits(label_noise=0.2)
    wrong = noisy.train.labels != DATA.labels[noisy.train.index]
    assert wrong.sum(axis=1).tolist() == [24] * 3 and noisy.train.mislabelled == 24
    for part in (noisy.validation, noisy.test):
        assert part.mislabelled == 0
        np.testing.assert_array_equal(part.labels, DATA.labels[part.index])
    assert splits().train.mislabelled == 0


def test_every_arm_and_every_size_has_the_same_wrong_labels() -> None:
    of_arms = study(label_noise=0.2).model_copy(
        update={"arms": {"batch": {}, "layer": {"norm": "layer", "norm_batch_size": 8}}}
    )
    plan = make_plan(of_arms)
    first, *others = (make_splits(plan.data, trial).train.labels for trial in plan.trials)
    assert {trial.arm for trial in plan.trials} == {"batch", "layer"} and len(others) == 2
    for labels in others:
        np.testing.assert_array_equal(labels, first)
