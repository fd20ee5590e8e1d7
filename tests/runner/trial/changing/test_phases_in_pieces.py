"""Random changes of a trial: the same bits in one piece and in many, on both paths."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from caviar.model.norms.registry import NORMS
from caviar.model.records import Record
from caviar.model.steps.snapshot import Snapshot
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.errors import RequestError
from caviar.runner.fields.changes import Change
from caviar.runner.trial.changing.apply_change import with_changes_due
from caviar.runner.trial.changing.phases import training_after
from caviar.runner.trial.changing.with_change import with_change
from caviar.runner.trial.checkpoint import Tally, pack, unpack
from caviar.runner.trial.events import Job
from caviar.runner.trial.gathered import Gathered
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.run_trial import path_of, run_trial
from tests.runner.attempts import attempted, checkpoints, trial, until
from tests.runner.helpers import Rows, outcome_of, rows_of

PATHS = [TrainingPath.numpy, TrainingPath.compiled]
STEPS = 18
TALLY = Tally(
    rows=0, steps=0, seconds=0.0, probe_seconds=0.0, invariants="none", diverged=(False, False)
)
VALUES = {
    "learning_rate": (0.2, 0.05, 0.01),
    "momentum": (0.0, 0.5, 0.95),
    "weight_decay": (0.01, 0.1, 0.0),
    "dropout": (0.3, 0.1, 0.0),
    "decay": (0.5, 0.99, 0.9),
    "norm_batch_size": (4, 16, 32, 8),
    "schedule": ("constant", "step", "cosine"),
}
LAYERS = ("dense1", "norm1", "dense2", "norm2", "dense3")
ARMS = [
    *((norm, "momentum", "float32") for norm in NORMS if norm not in ("none", "group", "layer")),
    *((norm, "adam", "float64") for norm in ("batch", "renorm", "momentum-batch", "layer")),
]


def random_change(random: np.random.Generator, step: int) -> Change:
    field = str(random.choice([*VALUES, "reset", "recompute"]))
    if field == "reset":
        return Change(step, "reset", str(random.choice(LAYERS)))
    if field == "recompute":
        return Change(step, "recompute")
    values = VALUES[field]
    return Change(step, "set", field, values[random.integers(len(values))])


def edited(random: np.random.Generator, norm: str, optimizer: str, dtype: str) -> TrialConfig:
    """A trial with some eight random changes, as somebody at a screen would make them."""
    arm = [f"norm={norm}", f"optimizer={optimizer}", f"dtype={dtype}", "budget.epochs=3"]
    if norm in ("batch", "renorm", "momentum-batch"):
        arm += ["ghost_update=sequential", f"shadow={json.dumps(bool(random.integers(2)))}"]
    config, data = trial(*arm)
    for step in sorted(random.integers(1, STEPS, 14).tolist()):
        try:
            config = with_change(config, random_change(random, step), data)
        except RequestError:  # As a screen would say in its log.
            continue
    return config


def through(
    config: TrialConfig, data: Data, path: TrainingPath, stops: list[int]
) -> list[Record | Snapshot]:
    """The records of a trial that is killed at these steps, and resumed from bytes each time."""
    splits, snapshot = make_splits(data, config), None
    records: list[Record | Snapshot] = []
    for start, stop in pairwise([0, *stops, STEPS]):
        if snapshot is not None:
            snapshot = unpack(pack(snapshot, TALLY, config.trial_id, 0), config, data).snapshot
            snapshot = with_changes_due(snapshot, config, data, splits)
        _, trains = path_of(path, training := training_after(config, data, start))
        end = stop if stop < STEPS else None
        records += trains(training, splits, snapshot, lambda: False, end)
        if end is not None:
            last = records.pop()
            assert isinstance(last, Snapshot) and last.step == stop
            snapshot = last
    return records


def rows_through(config: TrialConfig, data: Data, path: TrainingPath, stops: list[int]) -> Rows:
    gathered = Gathered(Job(config, config.trial_id, 0), lambda: 0.0)
    for record in through(config, data, path, stops):
        if type(record).__name__ != "Probing":
            gathered.add(record)
    return rows_of(gathered.blocks())


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("arm", ARMS, ids="-".join)
def test_any_changes_and_any_pieces_give_the_same_bits(
    path: TrainingPath, arm: tuple[str, str, str]
) -> None:
    random = np.random.default_rng([ARMS.index(arm), PATHS.index(path)])
    config, data = edited(random, *arm), trial()[1]
    assert len(config.changes) > 3
    job = Job(config, config.trial_id, 0, path=path)
    whole = list(run_trial(job, data))
    assert outcome_of(whole).status == "completed", outcome_of(whole).traceback
    steps = {int(text.partition(":")[0]) for text in config.changes}
    stops = sorted(steps | set(random.integers(1, STEPS, 6).tolist()))
    assert rows_through(config, data, path, stops) == rows_of(whole)


@pytest.mark.parametrize("seed", range(2))
def test_a_changed_trial_resumes_from_its_checkpoints(seed: int) -> None:
    random = np.random.default_rng(seed)
    config, data = edited(random, "batch", "momentum", "float32"), trial()[1]
    whole = attempted(config, data)
    assert list(checkpoints(whole)) == list(range(1, STEPS))
    changing = {int(text.partition(":")[0]) for text in config.changes}
    for step, checkpoint in checkpoints(whole).items():
        if step % 3 and step not in changing:
            continue
        rest = attempted(config, data, checkpoint.content, attempt=1)
        assert rows_of([*until(whole, step), *rest]) == rows_of(whole)
