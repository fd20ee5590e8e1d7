"""A network in a stack of eight is the network alone, through whole training runs."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

from caviar.model.averages.bank import RunningStatistics
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.noise.injected_noise import NoisyNorm, ShiftAndScaleNoise
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.records import Record
from caviar.model.steps.ghost_arrangement import stratified
from caviar.model.steps.optimizers import Adam, CoupledDecay, DecoupledDecay, Momentum, Sgd
from caviar.model.steps.schedules import SCHEDULES
from caviar.model.steps.setup import Training
from caviar.model.steps.snapshot import Snapshot
from tests.model.helpers import (
    ALL_TRACKERS,
    only,
    run,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

SEEDS = (3, 1, 4, 15, 9, 2, 6, 5)
SPLITS = small_splits(8)

LATE: dict[str, Any] = {
    "evaluation_steps": frozenset({4, 12}),
    "probe_steps": frozenset({12}),
    "sizes": (4, 16, 24),
    "examples": 40,
}
RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": Sgd(), "running": RunningStatistics(ALL_TRACKERS, "total")},
    "momentum and dropout": {
        "optimizer": CoupledDecay(Momentum(0.9), 1e-3),
        "network": small_mlp(dropout=0.3),
        "running": RunningStatistics(ALL_TRACKERS, "sequential"),
    },
    "adam and dropout": {
        "optimizer": DecoupledDecay(Adam(0.9, 0.99), 1e-2),
        "network": small_mlp(dropout=0.2, activation="tanh", norm_batch_size=4),
        "norm_batch_size": 4,
        "learning_rate": 0.01,
    },
    "everything is measured": {
        "optimizer": Momentum(0.9),
        "network": small_mlp(dropout=0.2, norm_batch_size=4),
        "norm_batch_size": 4,
        "partitions": 2,
        "arrangement": stratified(4),
        "probes": small_probes(shadow=True, log_probabilities=True, **LATE),
    },
    "renorm in company": {
        "network": small_mlp(norm=Norm(BatchRenorm(24, 1.2, 0.3, 0.8, 5))),
        "norm_batch_size": 24,
        "company": 8,
        "probes": small_probes(shadow=True, **LATE),
    },
    "noise on the population": {
        "network": small_mlp(norm=Norm(NoisyNorm(4, 1e-5, ShiftAndScaleNoise(4)))),
        "norm_batch_size": 4,
        "company": 32,
        "probes": small_probes(shadow=True, **LATE),
    },
    "leave one out": {"network": small_mlp(norm=Norm(LeaveOneOutNorm(8)))},
    "other examples": {"network": small_mlp(norm=Norm(OtherExamplesNorm(8)))},
    "layer norm": {"network": small_mlp(norm="layer", dropout=0.2), "optimizer": Momentum(0.9)},
    "no norm": {"network": small_mlp(norm="none"), "schedule": SCHEDULES["cosine"]},
}


def _training(name: str) -> Training:
    return small_training(**({"seeds": SEEDS, "steps": 12} | RUNS[name]))


@cache
def _stack(name: str) -> list[Record]:
    return run(_training(name), SPLITS)


@pytest.mark.parametrize("replica", [0, 3, 7])
@pytest.mark.parametrize("name", RUNS)
def test_a_replica_in_a_stack_is_the_same_seed_alone(name: str, replica: int) -> None:
    training = replace(_training(name), seeds=SEEDS[replica : replica + 1])
    alone = run(training, only(SPLITS, replica))
    assert len(alone) == len(_stack(name)) > 6
    for single, stacked in zip(alone, _stack(name), strict=True):
        assert type(single) is type(stacked)
        for field in fields(single):
            value, whole = getattr(single, field.name), getattr(stacked, field.name)
            if isinstance(whole, np.ndarray):
                assert value.shape == (1, *whole.shape[1:]) and len(whole) == 8
                np.testing.assert_allclose(value[0], whole[replica], rtol=1e-12, atol=1e-12)
            else:
                assert value == whole


@pytest.mark.parametrize("name", RUNS)
def test_replicas_differ(name: str) -> None:
    last = [r for r in _stack(name) if hasattr(r, "loss")][-1]
    assert len(set(last.loss)) == 8


def test_every_kind_of_row_is_compared() -> None:
    kinds = {type(r) for name in RUNS for r in _stack(name)}
    assert kinds == set(get_args(Record)) - {Snapshot}
