"""The phases of a trial with changes: what is in force when, and what stays as it began."""

from __future__ import annotations

import json

import pytest

from caviar.model.steps.optimizers import DecoupledDecay, Momentum
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.changes import read_change
from caviar.runner.trial.build import build
from caviar.runner.trial.changing.phases import (
    in_force,
    phases,
    training_after,
    training_with,
    trainings_of,
)
from tests.runner.attempts import trial

CHANGES = ["3: momentum = 0.5", "6: norm_batch_size = 16", "6: momentum = 0.7", "6: reset norm1"]


def changing(*changes: str, settings: tuple[str, ...] = ()) -> tuple[TrialConfig, Data]:
    """A trial of two epochs of six steps, in batches of 16 and ghosts of 8."""
    return trial(f"changes={json.dumps(changes)}", *settings)


def test_the_phases_cover_every_step_once() -> None:
    config, _ = changing(*CHANGES)
    first, second, third = phases(config)
    assert [(p.begin, p.end) for p in (first, second, third)] == [(0, 3), (3, 6), (6, 12)]
    assert first.changes == () and second.changes == (read_change("3: momentum = 0.5"),)
    assert third.changes == tuple(map(read_change, CHANGES[1:]))
    assert [p.config.momentum for p in (first, second, third)] == [0.9, 0.5, 0.7]
    assert [p.config.norm_batch_size for p in (first, second, third)] == [8, 8, 16]


def test_a_change_is_in_force_from_the_step_after_its_own() -> None:
    config, _ = changing(*CHANGES)
    assert [in_force(config, step).momentum for step in (2, 3, 5, 6)] == [0.9, 0.5, 0.5, 0.7]
    assert in_force(config, 0).changes == in_force(config, 11).changes == ()


def test_what_is_in_force_has_the_identity_of_a_plain_trial() -> None:
    config, _ = changing(*CHANGES)
    plain, _ = trial()
    assert in_force(config, 0).trial_id == plain.trial_id != config.trial_id
    assert in_force(plain, 5) is plain and phases(plain) == ((0, 12, (), plain),)


def test_each_phase_trains_with_its_own_settings() -> None:
    config, data = changing("3: weight_decay = 0.1", "6: momentum = 0.5")
    optimizers = [training.optimizer for training in trainings_of(config, data)]
    assert optimizers == [
        Momentum(0.9),
        DecoupledDecay(Momentum(0.9), 0.1, "weights"),
        DecoupledDecay(Momentum(0.5), 0.1, "weights"),
    ]
    assert training_after(config, data, 5).optimizer == training_with(config, data, 1).optimizer


def test_measurements_stay_those_of_the_start() -> None:
    """A trial whose ghosts grow beyond its batches would otherwise afford more of them."""
    settings = ("probe_share=0.6", "evaluations=12")
    config, data = changing("6: norm_batch_size = 80", settings=settings)
    start, later = trainings_of(config, data)
    assert later.company == 64 and later.probes == start.probes
    assert build(in_force(config, 6), data).probes != start.probes


def test_a_trial_with_changes_is_not_one_training() -> None:
    config, data = changing("3: momentum = 0.5")
    with pytest.raises(RequestError, match=r"changes during training \(3: momentum = 0.5\)"):
        build(config, data)
