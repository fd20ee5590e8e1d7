"""What is measured at one moment of training: at the initial weights, after three batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.model.averages.bank import BankState
from caviar.model.measurements.at_step import measure
from caviar.model.network import training_moments
from caviar.model.records import Evaluation, Record
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.state import TrainingState, initial_state
from tests.model.helpers import (
    ALL_TRACKERS,
    initial,
    small_probes,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)
TRAINING = small_training(steps=7, probes=small_probes(probe_steps=frozenset({4, 7})))
PARAMETERS = initial(TRAINING.network, 4, (0, 1))
SPLIT_NAMES = ["train", "validation", "test"]
PROBED, LIGHT, LAST = 4, 5, 7
RUNNING = [("running", tracker.name) for tracker in ALL_TRACKERS]


def bank_after(training: Training, steps: int = 3) -> BankState:
    state = training.running.init(training.network, PARAMETERS)
    for step in range(steps):
        x, _ = SPLITS.train.take(np.tile(np.arange(16) + step, (2, 1)))
        _, tape = training.network.forward(PARAMETERS, x, ())
        state = training.running.update(state, training_moments(tape), 8)
    return state


BANK = bank_after(TRAINING)
STATE = replace(initial_state(TRAINING, 4, np.dtype(np.float64)), bank=BANK)


def measured(
    training: Training = TRAINING,
    splits: Splits = SPLITS,
    step: int = PROBED,
    state: TrainingState = STATE,
) -> list[Record]:
    return list(measure(training, splits, replace(state, step=step), streams((0, 1), "probe")))


def evaluations(records: Iterable[Record]) -> dict[tuple[str, str, str], Evaluation]:
    of_kind = [r for r in records if isinstance(r, Evaluation)]
    rows = {(r.split, r.statistics, r.tracker): r for r in of_kind}
    assert len(rows) == len(of_kind)
    return rows


def probing(**changes: Any) -> Training:
    return replace(TRAINING, probes=replace(TRAINING.probes, **changes))
