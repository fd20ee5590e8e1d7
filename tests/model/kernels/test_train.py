from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.model.kernels.train import train
from caviar.model.parameters import arrays
from caviar.model.records import Record
from caviar.model.steps.ghost_arrangement import class_sorted, first_come
from caviar.model.steps.optimizers import CoupledDecay, DecoupledDecay, GammaDecay, Momentum, Sgd
from caviar.model.steps.setup import Probes
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import never
from caviar.model.train import train as plain_train
from caviar.runner.trial.run_trial import Trainer
from tests.kernel_runs import differences, numbers, splits, stopped, training

pytestmark = pytest.mark.usefixtures("kernels")

STEPS = 100
DATA = splits()
PROBES = Probes(frozenset({50, STEPS}), frozenset({STEPS}), (2, 8), 40)
PROBED = training(30, 4, probes=replace(PROBES, evaluation_steps=frozenset({11, 30}), shadow=True))


@pytest.mark.parametrize(
    ("size", "changes"),
    [
        (8, {}),
        (4, {"arrangement": first_come(class_sorted, 4), "optimizer": Sgd()}),
        (16, {"optimizer": GammaDecay(CoupledDecay(Momentum(0.9), 0.01, "all"), 0.1)}),
        (8, {"optimizer": DecoupledDecay(Momentum(0.5), 0.01), "hidden": (17,)}),
        (4, {"probes": replace(PROBES, shadow=True), "arrangement": first_come(class_sorted, 4)}),
        (24, {"probes": replace(PROBES, shadow=True)}),
    ],
)
def test_a_hundred_steps_in_double_precision(size: int, changes: dict[str, Any]) -> None:
    run = training(STEPS, size, **{"probes": PROBES, **changes})
    assert differences(run, DATA) < 1e-12


def test_a_hundred_steps_in_single_precision() -> None:
    curves = training(STEPS, 8, seeds=(3,), learning_rate=0.01)
    assert differences(curves, splits(1, dtype=np.float32)) < 1e-5


def test_training_goes_on_from_a_snapshot_with_the_same_bits() -> None:
    middle, rest = stopped(train, PROBED, DATA)
    assert rest
    for ours, theirs in zip(numbers(list(train(PROBED, DATA, middle))), numbers(rest), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)


def test_a_snapshot_is_that_of_the_plain_path_and_goes_across() -> None:
    (ours, rest), (theirs, _) = stopped(train, PROBED, DATA), stopped(plain_train, PROBED, DATA)
    assert ours.streams == theirs.streams
    assert ours.state.bank.updates == theirs.state.bank.updates
    for ours_of_one, plain in zip(
        *(arrays(s.state.parameters) for s in (ours, theirs)), strict=True
    ):
        np.testing.assert_allclose(ours_of_one, plain, atol=1e-12)
    for path, start in ((train, theirs), (plain_train, ours)):
        for one, other in zip(numbers(list(path(PROBED, DATA, start))), numbers(rest), strict=True):
            for name, value in other.items():
                if isinstance(value, np.ndarray):
                    np.testing.assert_allclose(one[name], value, rtol=1e-9, atol=1e-10)


def test_how_many_steps_a_call_takes_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = training(30, 4), DATA
    whole = numbers(list(train(run, data)))
    monkeypatch.setattr("caviar.model.kernels.train.WORK", 1)
    for ours, theirs in zip(numbers(list(train(run, data))), whole, strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)


@pytest.mark.parametrize("path", [train, plain_train])
def test_training_that_ends_at_a_step_goes_on_with_the_same_bits(path: Trainer) -> None:
    """Also within an epoch, between two curve rows, and where a measurement is made."""
    whole = list(path(PROBED, DATA, None, never, None))
    for pieces in ((11,), (5, 6, 17), (15, 29)):
        start: Snapshot | None = None
        records: list[Record] = []
        for until in (*pieces, None):
            records += list(path(PROBED, DATA, start, never, until))
            if until is not None:
                last = records.pop()
                assert isinstance(last, Snapshot) and last.step == until
                start = last
        for ours, theirs in zip(numbers(records), numbers(whole), strict=True):
            for name, value in theirs.items():
                np.testing.assert_array_equal(ours[name], value)
