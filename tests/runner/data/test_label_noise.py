"""Wrong training labels: how many, which, and that no arm and no size changes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.runner.data.label_noise import with_noise
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import make_splits
from caviar.runner.errors import RequestError
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import study_from_table
from caviar.runner.study.what_was_read import what_was_read

TRUE = np.tile(np.arange(5), (3, 1000))
"""Three seeds, 5,000 examples of five classes."""


def planned(**dataset: Any) -> Plan:
    study = {
        "name": "noisy",
        "dataset": {"name": "wine", "train": 101, "validation": 30, "test": 40, **dataset},
        "replicas": 2,
        "budget": {"steps": 2},
        "fixed": {"batch_size": 8, "hidden": [4]},
        "scientific": {"norm_batch_size": [4, 8]},
        "arms": {"batch": {}, "layer": {"norm": "layer", "norm_batch_size": 8}},
    }
    return make_plan(study_from_table(study))


@pytest.mark.parametrize(("share", "count"), [(0.2, 20), (0.005, 1), (0.004, 0), (0.99, 100)])
def test_as_many_as_the_share_rounds_to_and_only_in_training(share: float, count: int) -> None:
    plan = planned(label_noise=share)
    splits = make_splits(plan.data, plan.trials[0])
    assert splits.train.mislabelled == count
    wrong = splits.train.labels != plan.data.labels[splits.train.index]
    assert wrong.sum(axis=1).tolist() == [count, count]  # never the same class
    for part in (splits.validation, splits.test):
        assert part.mislabelled == 0
        np.testing.assert_array_equal(part.labels, plan.data.labels[part.index])


def test_each_other_class_is_as_likely() -> None:
    """3,000 labels go to four classes each: 750 a class, within five deviations of 24."""
    noisy = with_noise(TRUE, 0.2, 5, (0, 1, 2))
    away = (noisy - TRUE) % 5
    assert np.abs(np.bincount(away.ravel(), minlength=5)[1:] - 750).max() < 5 * 24
    places = np.flatnonzero(noisy[0] != TRUE[0])
    assert abs(places.mean() - 2500) < 5 * 5000 / 12**0.5 / 1000**0.5  # not at one end
    assert set(noisy.ravel()) == set(range(5))


def test_a_seed_has_the_same_wrong_labels_in_any_company_and_other_seeds_others() -> None:
    noisy = with_noise(TRUE, 0.2, 5, (4, 7, 9))
    np.testing.assert_array_equal(with_noise(TRUE[:1], 0.2, 5, (7,))[0], noisy[1])
    assert (noisy[0] != noisy[1]).any()
    larger = with_noise(TRUE, 0.4, 5, (4, 7, 9))
    wrong = noisy != TRUE
    np.testing.assert_array_equal(larger[wrong], noisy[wrong])


def test_every_arm_and_every_size_has_the_same_wrong_labels() -> None:
    plan = planned(label_noise=0.2)
    labels = [make_splits(plan.data, trial).train.labels for trial in plan.trials]
    assert {trial.arm for trial in plan.trials} == {"batch", "layer"} and len(labels) == 3
    for others in labels[1:]:
        np.testing.assert_array_equal(others, labels[0])


def test_a_study_without_it_keeps_its_name_its_trials_and_its_data() -> None:
    plain, zero, noisy = planned(), planned(label_noise=0.0), planned(label_noise=0.2)
    assert plain.hash() == zero.hash() != noisy.hash()
    assert "label_noise" not in plain.identity()["dataset"]
    assert noisy.identity()["dataset"]["label_noise"] == 0.2
    assert [t.trial_id for t in plain.trials] == [t.trial_id for t in zero.trials]
    assert {t.trial_id for t in noisy.trials}.isdisjoint(t.trial_id for t in plain.trials)
    assert plain.data.fingerprint == zero.data.fingerprint != noisy.data.fingerprint
    assert load_data(noisy.study.dataset).fingerprint == noisy.trials[0].dataset.fingerprint


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, "a fifth"])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(RequestError, match="label_noise"):
        planned(label_noise=share)


def test_it_is_said_where_it_runs() -> None:
    plan = planned(label_noise=0.2)
    said = dict(what_was_read(plan.data, plan.sample[0]))["labels"]
    assert said.startswith(
        "20 of 101 training labels of every seed are replaced by another class (label_noise = 0.2)"
    )
    clean = planned()
    assert "labels" not in dict(what_was_read(clean.data, clean.sample[0]))
