"""A position of a study becomes a trial: defaults filled in, arms crossed, limits kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caviar.model.averages.frameworks import ALL
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.study.bench import Bench
from caviar.runner.study.grid import Layout
from caviar.runner.study.plan import Plan
from caviar.runner.study.study_file import read_study
from tests.runner.helpers import TINY, plan_of, tiny
from tests.runner.trial.test_build import SMALL


def test_the_norm_batch_is_the_whole_batch_by_default() -> None:
    plan = plan_of(
        "dataset=wine", "scientific={}", "fixed={}", "scientific.batch_size=[8, 16]", trials=2
    )
    assert [(c.batch_size, c.norm_batch_size) for c in plan.trials] == [(8, 8), (16, 16)]


def test_a_convention_brings_its_epsilon_and_is_tracked() -> None:
    plan = plan_of(*TINY, "scientific.convention=['keras-3', 'torch7']", "conventions=[]", trials=4)
    settings = {(c.convention, c.epsilon, c.conventions) for c in plan.trials}
    assert settings == {(name, ALL[name].epsilon, (name,)) for name in ("keras-3", "torch7")}
    assert {c.epsilon for c in plan_of(*TINY, "epsilon=0.25").trials} == {0.25}
    assert {c.epsilon for c in plan_of(*TINY).trials} == {1e-5}


def test_probe_sizes_above_the_training_split_are_left_out() -> None:
    plan = plan_of(*TINY, "probe_batch_sizes=[4, 96, 97, 256]")
    assert plan.trials[0].probe_batch_sizes == (4, 96)


def test_seeds_count_from_the_seed_of_the_study() -> None:
    plan = plan_of(*TINY, "seed=40", "replicas=3")
    assert {config.seeds for config in plan.trials} == {(40, 41, 42)}


def planned(*settings: str) -> Plan:
    return plan_of(*tiny(*settings, study=SMALL))


def one(*settings: str) -> TrialConfig:
    (config,) = planned(*settings).trials
    return config


def test_the_whole_training_split_is_a_number_in_the_table() -> None:
    assert one('norm_batch_size="train"').norm_batch_size == 96


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("norm_batch_size=97",), "takes 97 examples per step, above the 96 of the training split"),
        (("norm=other-examples", "norm_batch_size=49"), "takes 98 examples per step"),
        (("norm=group", "norm_groups=4"), "norm_groups 4 does not cut a hidden layer of 6"),
        (("norm=group", "norm_groups=6"), "into equal groups of two or more"),
        (("norm=leave-one-out", "norm_batch_size=2"), "norm_batch_size of 3 or more; got 2"),
        (("norm_batch_size=6",), "norm_batch_size 6 does not divide batch_size 16"),
        (('norm_batch_size="all"',), "norm_batch_size"),
        (("hidden=[]", "norm=renorm"), "norm = 'renorm' needs at least one hidden layer"),
        (("ghosts=sorted",), "ghosts: must be 'random', 'stratified' or 'class-sorted'"),
        (("partitions=0",), "partitions"),
        (("renorm_r_max=0.5",), "renorm_r_max"),
    ],
)
def test_what_cannot_be_is_refused(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        planned(*settings)
    assert message in str(caught.value)


ARMS = 'arms={ plain = {}, pop = { norm_batch_size = "train" }, ln = { norm = "layer" } }'


def test_arms_are_crossed_and_an_arm_s_own_value_counts() -> None:
    trials = planned(ARMS, "scientific.norm_batch_size=[4, 8]").trials
    assert [(t.arm, t.norm, t.norm_batch_size) for t in trials] == [
        ("plain", "batch", 4),
        ("pop", "batch", 96),
        ("ln", "layer", 4),
        ("plain", "batch", 8),
        ("ln", "layer", 8),
    ]


def test_an_arm_s_name_is_not_part_of_the_trial_s_identity() -> None:
    (named,) = planned("arms={ plain = {} }").trials
    assert (named.arm, named.trial_id) == ("plain", one().trial_id)


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ("arms={ a = { nrom = 1 } }", "unknown key 'nrom' in arms.a; did you mean 'norm'"),
        ("arms={ a = 3 }", "arms.a: expected a table of fields; got 3"),
        ("arms=[1]", "arms must be a table of named arms"),
        ('arms={ a = { norm = "bach" } }', "norm: must be 'batch'"),
        ("arms={ a = { dropout = 0.1 } }", "both arms.a and [nuisance]"),
    ],
)
def test_a_wrong_arm_is_refused(arms: str, message: str) -> None:
    drawn = 'nuisance.dropout={ scale = "uniform", low = 0.0, high = 0.5 }'
    with pytest.raises(RequestError) as caught:
        planned(arms, drawn)
    assert message in str(caught.value)


def test_arms_stay_paired() -> None:
    """Every arm has the same seeds and steps: initial weights and examples are the same."""
    trials: Any = planned(ARMS, "scientific.norm_batch_size=[4, 8]").trials
    assert len({(t.seeds, t.steps, t.learning_rate) for t in trials}) == 1


def test_the_splits_of_all_seeds_must_fit() -> None:
    """Ten thousand seeds that each permute a hundred thousand examples: 8 GB."""
    study = read_study(None, (*TINY, 'dataset={ name = "x" }', "replicas=10_000"))
    labels = np.array([0, 1] * 50_000 + [0])
    data = Data(np.zeros((100_001, 1)), labels, ("0", "1"), pixels=False)
    (position, *_) = Layout(study, 1)
    with pytest.raises(RequestError, match="10000 seeds that each split 100,001 examples"):
        Bench.of(study, data).trial(position)
