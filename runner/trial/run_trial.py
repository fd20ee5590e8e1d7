"""One trial from its config to its events; never raises."""

from __future__ import annotations

import math
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from caviar.model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Probing,
    Record,
    StatisticsError,
)
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.places import without_home
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.build import build
from caviar.runner.trial.checkpoint import Tally, pack, unpack
from caviar.runner.trial.columns import Columns
from caviar.runner.trial.events import Block, Checkpoint, Event, Job, Outcome, Started, Status
from caviar.runner.trial.kernels import TrainingPath, compiled_by
from caviar.runner.trial.median_rule import MedianRule

TABLE: dict[type[Record], str] = {
    Curve: "curves",
    Evaluation: "evaluations",
    StatisticsError: "statistics",
    Noise: "noise",
    LogProbabilities: "predictions",
}

BLOCK_SECONDS = 1.0
"""A worker sends the rows it has gathered about this often: in few, large blocks."""


CHECKPOINT_REST = 20.0
"""A checkpoint that took t seconds to make and to hand over is followed by at least this many
times t without one, so that checkpoints take under 5 % of a trial."""

Clock = Callable[[], float]
"""Seconds that only grow."""

Trainer = Callable[[Training, Splits, Snapshot | None, Callable[[], bool]], Iterator[Record]]
"""Trains from the start or from a snapshot, and asks after every step whether one is due."""


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
    gathered = _Gathered(job, clock)
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
    gathered: _Gathered,
    rest: _Rest,
    trainer: Trainer | None,
    block_seconds: float,
) -> Iterator[Event]:
    start, clock = None, gathered.clock
    training = build(job.config, data)
    gathered.path, trains = path_of(job.path, training)
    if job.checkpoint is not None:
        start, tally = unpack(job.checkpoint, job.config, data)
        gathered.go_on(tally)
    due, paused = clock() + block_seconds, None
    splits = make_splits(data, job.config)

    def wanted() -> bool:
        return bool(gathered.rule.says) or rest.over()

    for record in (trainer or trains)(training, splits, start, wanted):
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


class BrokenBatchNormError(ArithmeticError):
    """The batch norm of a trial is not batch norm."""


class _Gathered:
    """Rows waiting to be sent, and what the outcome will say about the whole trial."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.job = job
        self.clock = clock
        self.started = clock()
        self.before = 0.0
        self.rows = 0
        self.steps = 0
        self.probe_seconds = 0.0
        self.invariants = "none"
        self.path = TrainingPath.numpy
        self.rule = MedianRule(job.limits, job.config.steps)
        self.diverged = np.zeros(len(job.config.seeds), bool)
        self.waiting: dict[str, dict[str, list[Any]]] = {}

    def add(self, record: Record) -> None:
        """One row per seed (and example): arrays have one value per row, scalars are repeated."""
        if isinstance(record, Checked):
            self.check(record)
            return
        seeds = np.asarray(self.job.config.seeds)
        lead = record.example.shape if isinstance(record, LogProbabilities) else seeds.shape
        columns = self.waiting.setdefault(TABLE[type(record)], {})
        columns.setdefault("seed", []).extend(np.repeat(seeds, math.prod(lead[1:])).tolist())
        for field in fields(record):
            value = getattr(record, field.name)
            columns.setdefault(field.name, []).extend(_column(value, lead))
        self.rows += math.prod(lead)
        self.steps = max(self.steps, record.step)
        if isinstance(record, Curve):
            self.diverged |= ~np.isfinite(record.loss)
        elif isinstance(record, Evaluation) and record.statistics == "population":
            self.diverged |= ~np.isfinite(record.loss)
        self.rule.see(record)

    def check(self, record: Checked) -> None:
        """Raise BrokenBatchNormError if an identity does not hold: no row may be used then."""
        self.invariants = "failed" if record.failed else "passed"
        if record.failed:
            raise BrokenBatchNormError(
                f"the norm's identities do not hold at step {record.step}: "
                f"{', '.join(record.failed)}; nothing this trial measures can be believed"
            )

    def blocks(self) -> list[Block]:
        sent = [
            Block(self.job.trial_id, self.job.attempt, table, Columns.of(columns))
            for table, columns in self.waiting.items()
        ]
        self.waiting = {}
        return sent

    @property
    def seconds(self) -> float:
        return self.before + self.clock() - self.started

    def go_on(self, tally: Tally) -> None:
        """Continue counting from the tally of earlier attempts."""
        self.before, self.probe_seconds = tally.seconds, tally.probe_seconds
        self.rows, self.steps = tally.rows, tally.steps
        self.invariants = tally.invariants
        self.diverged = np.array(tally.diverged, bool)

    def checkpoint(self, snapshot: Snapshot) -> Checkpoint:
        tally = Tally(
            rows=self.rows,
            steps=self.steps,
            seconds=self.seconds,
            probe_seconds=self.probe_seconds,
            invariants="passed" if self.invariants == "passed" else "none",
            diverged=tuple(self.diverged.tolist()),
        )
        who = (self.job.trial_id, self.job.attempt)
        content = pack(snapshot, tally, *who)
        return Checkpoint(*who, snapshot.step, self.rows, content)

    def outcome(self) -> Outcome:
        seeds = np.asarray(self.job.config.seeds)[self.diverged].tolist()
        error = f"the loss of {len(seeds)} seeds stopped being finite" if seeds else ""
        ended = self._ended("diverged" if seeds else "completed", error)
        if self.rule.says:
            ended = replace(ended, status="stopped", error=self.rule.says)
        return replace(ended, diverged_seeds=tuple(seeds))

    def failure(self, error: Exception, trace: str) -> Outcome:
        return replace(self._ended("failed", _said(error)), traceback=without_home(trace))

    def _ended(self, status: Status, error: str) -> Outcome:
        here = arithmetic(self.path)
        return Outcome(
            self.job.trial_id,
            self.job.attempt,
            status,
            seconds=self.seconds,
            probe_seconds=self.probe_seconds,
            steps=self.steps,
            rows=self.rows,
            invariants=self.invariants,
            host=platform.node(),
            kernel=here.kernel,
            blas_threads=here.threads,
            processor=here.processor,
            path=self.path,
            error=error,
        )


def _said(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"MemoryError: {error} (not enough memory; lower --workers or replicas)"
    return f"{type(error).__name__}: {error}"


def _column(value: Any, lead: tuple[int, ...]) -> list[Any]:
    """One value per row; the axes of an array that are not in `lead` stay together in a row."""
    rows = math.prod(lead)
    if not isinstance(value, np.ndarray):
        return [value] * rows
    column: list[Any] = value.reshape(rows, *value.shape[len(lead) :]).tolist()
    return column
