"""Control arms as a study names them: what each becomes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Layer
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
from caviar.model.norms.noise.injected_noise import (
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.registry import NORMS
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.steps.ghost_arrangement import random
from caviar.model.steps.optimizers import GammaDecay, Momentum
from caviar.runner.config import TrialConfig
from caviar.runner.study.plan import Plan
from caviar.runner.trial.build import build
from tests.runner.helpers import TINY, plan_of, tiny

SMALL = [
    *("scientific={}", "nuisance={}", "draws.count=1"),
    *(s for s in TINY if not s.startswith(("norm_batch_size", "draws"))),
]
"""One trial: 96 training examples, batches of 16."""


def planned(*settings: str) -> Plan:
    return plan_of(*tiny(*settings, study=SMALL))


def one(*settings: str) -> TrialConfig:
    (config,) = planned(*settings).trials
    return config


def norm_of(*settings: str) -> Layer:
    plan = planned(*settings)
    return dict(build(plan.trials[0], plan.data).network.layers)["norm1"]


def company_of(*settings: str) -> int:
    plan = planned(*settings)
    return build(plan.trials[0], plan.data).company


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("batch", Norm(BatchNorm(8))),
        ("layer", Norm(LayerNorm())),
        ("leave-one-out", Norm(LeaveOneOutNorm(8))),
        ("other-examples", Norm(OtherExamplesNorm(8))),
        ("stop-gradient", Norm(StopGradientNorm(8))),
        ("renorm", Norm(BatchRenorm(8, r_max=3.0, d_max=5.0, decay=0.9, ramp=3))),
        ("shift-noise", Norm(NoisyNorm(8, 1e-5, ShiftNoise(8)))),
        ("scale-noise", Norm(NoisyNorm(8, 1e-5, ScaleNoise(8)))),
        ("shift-and-scale-noise", Norm(NoisyNorm(8, 1e-5, ShiftAndScaleNoise(8)))),
        ("group", Norm(GroupNorm(3))),
        ("momentum-batch", Norm(MomentumBatchNorm(8, 0.5))),
    ],
)
def test_a_norm_s_name_is_its_layer(norm: str, layer: Layer) -> None:
    assert norm_of(f"norm={norm}", "norm_batch_size=8") == layer


def test_settings_reach_the_layer() -> None:
    renorm = norm_of(
        *("norm=renorm", "renorm_r_max=2.0", "renorm_d_max=1.5"),
        *("renorm_decay=0.5", "renorm_ramp=1.0", "epsilon=0.1"),
    )
    assert renorm == Norm(BatchRenorm(16, 2.0, 1.5, 0.5, 12, 0.1))
    noisy = norm_of("norm=scale-noise", "noise_shared=example", "norm_batch_size=4")
    assert noisy == Norm(NoisyNorm(4, 1e-5, ScaleNoise(1)))


def test_a_dense_layer_has_a_bias_unless_a_batch_mean_is_subtracted() -> None:
    for norm in NORMS:
        plan = planned(f"norm={norm}", "norm_batch_size=8")
        layers = dict(build(plan.trials[0], plan.data).network.layers)
        subtracts = NORMS[norm].uses_batch_statistics
        assert layers["dense1"].bias != subtracts  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("settings", "company"),
    [
        (("norm_batch_size=8",), 0),
        (("norm_batch_size=16",), 0),
        (("norm_batch_size=40",), 24),
        (('norm_batch_size="train"',), 80),
        (("norm=shift-noise", "norm_batch_size=4"), 80),
        (("norm=other-examples", "norm_batch_size=8"), 16),
        (("norm=other-examples", "norm_batch_size=16"), 16),
        (("norm=other-examples", "norm_batch_size=48"), 80),
        (("norm=leave-one-out", "norm_batch_size=32"), 16),
        (("norm=layer", "norm_batch_size=40"), 0),
        (("norm=none", "norm_batch_size=40"), 0),
    ],
)
def test_examples_without_a_loss_join_where_statistics_need_them(
    settings: tuple[str, ...], company: int
) -> None:
    assert company_of(*settings) == company


def test_ghosts_partitions_and_gamma_decay_reach_the_training() -> None:
    plan = planned("ghosts=class-sorted", "partitions=3", "gamma_decay=0.5", "norm_batch_size=8")
    (sorted_trial,) = plan.trials
    training = build(sorted_trial, plan.data)
    assert training.partitions == 3
    assert training.optimizer == GammaDecay(Momentum(0.9), 0.5)
    labels = np.array([[0, 1] * 8])
    sorted_rows = training.arrangement(np.arange(16)[None], labels)
    assert (sorted_rows == [[*range(0, 16, 2), *range(1, 16, 2)]]).all()
    later = training.arrangement(np.arange(16)[None], 1 - labels)
    assert (later == sorted_rows).all(), "the ghost of the first example comes first"
    stratified = planned("ghosts=stratified", "norm_batch_size=4")
    dealt = build(stratified.trials[0], stratified.data).arrangement(np.arange(16)[None], labels)
    assert (np.take_along_axis(labels, dealt, axis=1).reshape(4, 4).sum(axis=1) == 2).all()
    whole = sorted_trial.model_copy(update={"norm_batch_size": 16})
    assert build(whole, plan.data).arrangement is random
