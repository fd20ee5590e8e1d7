"""One trial from its config to its events; never raises."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator

from caviar.model.records import Probing, Record
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.trial.changing.apply_change import with_changes_due
from caviar.runner.trial.changing.phases import phases, training_after
from caviar.runner.trial.checkpoint import unpack
from caviar.runner.trial.events import Event, Job, Started
from caviar.runner.trial.gathered import Clock, Gathered
from caviar.runner.trial.kernels import TrainingPath, compiled_by

BLOCK_SECONDS = 1.0
"""A worker sends the rows it has gathered about this often: in few, large blocks."""


CHECKPOINT_REST = 20.0
"""A checkpoint that took t seconds to make and to hand over is followed by at least this many
times t without one, so that checkpoints take under 5 % of a trial."""

Wanted = Callable[[], bool]
"""Whether a snapshot is due."""

Trainer = Callable[[Training, Splits, Snapshot | None, Wanted, int | None], Iterator[Record]]
"""Trains from the start or from a snapshot, asks after every step whether one is due, and ends at
a step if one is given."""


def run_trial(
    job: Job,
    data: Data,
    *,
    clock: Clock = time.perf_counter,
    trainer: Trainer | None = None,
    block_seconds: float = BLOCK_SECONDS,
    checkpoint_rest: float = CHECKPOINT_REST,
) -> Iterator[Event]:
    """Train and measure, sending blocks of rows and checkpoints on the way and an outcome at the
    end. Without a `trainer`, the job's path says what trains.

    An exception inside becomes an outcome with its traceback.
    """
    gathered = Gathered(job, clock)
    rest = _Rest(job.checkpoint_seconds, checkpoint_rest, clock)
    yield Started(job.trial_id, job.attempt)
    try:
        yield from _trained(job, data, gathered, rest, trainer, block_seconds)
        yield from gathered.blocks()
        yield gathered.outcome()
    except Exception as error:
        yield gathered.failure(error, traceback.format_exc())


def _trained(
    job: Job,
    data: Data,
    gathered: Gathered,
    rest: _Rest,
    trainer: Trainer | None,
    block_seconds: float,
) -> Iterator[Event]:
    start, clock = None, gathered.clock
    if job.checkpoint is not None:
        start, tally = unpack(job.checkpoint, job.config, data)
        gathered.go_on(tally)
    due, paused = clock() + block_seconds, None

    def wanted() -> bool:
        return bool(gathered.rule.says) or rest.over()

    for record in _phase_by_phase(job, data, gathered, start, wanted, trainer):
        if paused is not None:
            gathered.probe_seconds += clock() - paused
            paused = None
        if isinstance(record, Probing):
            paused = clock()
            continue
        if isinstance(record, Snapshot):
            if gathered.rule.says:  # A snapshot was wanted so that training halts here.
                return
            began = clock()
            yield from gathered.blocks()
            yield gathered.checkpoint(record)
            rest.begin(clock() - began)
            continue
        gathered.add(record)
        if clock() >= due:
            yield from gathered.blocks()
            due = clock() + block_seconds


def _phase_by_phase(
    job: Job,
    data: Data,
    gathered: Gathered,
    start: Snapshot | None,
    wanted: Wanted,
    trainer: Trainer | None,
) -> Iterator[Record]:
    """The records of a trial through all its changes; a snapshot that is wanted at the step of a
    change is the one before it."""
    splits = make_splits(data, job.config)
    for phase in phases(job.config):
        if start is not None and start.step >= phase.end:
            continue
        training = training_after(job.config, data, phase.begin)
        gathered.path, trains = path_of(job.path, training)
        if start is not None:
            start = with_changes_due(start, job.config, data, splits)
        until = phase.end if phase.end < job.config.steps else None
        for record in (trainer or trains)(training, splits, start, wanted, until):
            if isinstance(record, Snapshot) and record.step == phase.end:
                start = record
                if not wanted():
                    continue
            yield record
        if until is not None and (start is None or start.step != until):
            return  # It was stopped in this phase.


def path_of(path: TrainingPath, training: Training) -> tuple[TrainingPath, Trainer]:
    """The path that a trial takes in a run on `path`, and what trains on it."""
    if path is TrainingPath.numpy:
        return path, train
    from caviar.model.kernels.supported import without_kernel

    if without_kernel(training):
        return TrainingPath.numpy, train
    compiled_by()
    from caviar.model.kernels.train import train as train_on_kernels

    return path, train_on_kernels


class _Rest:
    """The time from one checkpoint to the next, and from the start to the first."""

    def __init__(self, seconds: float, times: float, clock: Clock) -> None:
        self._seconds, self._times, self._clock = seconds, times, clock
        self._end = clock() + seconds

    def over(self) -> bool:
        return self._clock() >= self._end

    def begin(self, spent: float) -> None:
        """After a checkpoint that took `spent` seconds."""
        self._end = self._clock() + max(self._seconds, self._times * spent)
