"""`split = "disjoint"`: every seed has examples of its own, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.steps.setup import Splits
from caviar.runner.config import DatasetConfig, TrialConfig
from caviar.runner.data.splits import Data, check_pools, make_splits
from caviar.runner.errors import RequestError
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import Study

SIZES: dict[str, Any] = {"train": 20, "validation": 6, "test": 7}
LABELS = np.where(np.arange(200) % 10 == 0, 1, 0)
DATA = Data(np.random.default_rng(3).normal(size=(200, 4)), LABELS, ("common", "rare"), False)


def splits(seeds: tuple[int, ...], **dataset: Any) -> Splits:
    asked = DatasetConfig(**{"name": "wine", "split": "disjoint", **SIZES, **dataset})
    config: dict[str, Any] = {"seeds": seeds, "steps": 1, "norm_batch_size": 8, "epsilon": 1e-5}
    return make_splits(DATA, TrialConfig(dataset=asked, **config))


def examples(parts: Splits) -> Array:
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
    parts = splits(tuple(range(first, first + 6)))
    assert np.unique(examples(parts)).size == 6 * 33
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [20, 6, 7]


def test_a_seed_has_the_same_examples_in_any_company() -> None:
    alone, company = examples(splits((4,))), examples(splits((2, 3, 4, 5)))
    np.testing.assert_array_equal(alone[0], company[2])


def test_two_seeds_of_one_pool_divide_it_differently() -> None:
    here, later = examples(splits((1, 7)))
    assert set(here) == set(later) and set(here[:20]) != set(later[:20])


def test_stratified_pools_and_their_splits_have_their_share_of_a_rare_class() -> None:
    parts = splits(tuple(range(6)), stratified=True)
    assert set(LABELS[examples(parts)].sum(axis=1)) <= {3, 4}
    assert set(LABELS[parts.train.index].sum(axis=1)) <= {1, 2, 3}
    assert np.ptp(LABELS[examples(splits(tuple(range(6))))].sum(axis=1)) > 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (SIZES, "lower replicas to 6, or the sizes: train = 17, validation = 6, test = 5 would"),
        ({"train": 9, "validation": 3}, "needs a size for test"),
        ({"train": 0.5, "validation": 0.2, "test": 0.3}, "lower replicas to 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers_that_do(given: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        check_pools(DATA, DatasetConfig(name="wine", split="disjoint", **given), 7)
    check_pools(DATA, DatasetConfig(name="wine", split="disjoint", **SIZES), 6)


def test_a_given_test_set_cannot_be_each_seed_s_own() -> None:
    given = Data(DATA.features, LABELS, DATA.classes, False, given_test=40)
    with pytest.raises(RequestError, match="the last 40 examples are the test split of every seed"):
        check_pools(given, DatasetConfig(name="wine", split="disjoint", **SIZES), 2)


def test_a_study_that_does_not_set_it_keeps_its_name_and_its_trials() -> None:
    plain, random = (make_plan(study(**more)) for more in ({}, {"split": "random"}))
    disjoint = make_plan(study(train=20, validation=6, test=7, split="disjoint"))
    assert plain.hash() == random.hash() != disjoint.hash()
    assert "split" not in plain.identity()["dataset"]
    assert [t.trial_id for t in plain.trials] == [t.trial_id for t in random.trials]
    shared = make_plan(study(train=20, validation=6, test=7))
    assert {t.trial_id for t in disjoint.trials}.isdisjoint(t.trial_id for t in shared.trials)
