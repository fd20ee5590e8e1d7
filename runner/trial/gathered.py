"""What a trial's records become: blocks of rows, checkpoints and an outcome."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from caviar.model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Record,
    StatisticsError,
)
from caviar.model.steps.snapshot import Snapshot
from caviar.runner.data.places import without_home
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.checkpoint import Tally, pack
from caviar.runner.trial.columns import Columns
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome, Status
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.median_rule import MedianRule

Clock = Callable[[], float]
"""Seconds that only grow."""

TABLE: dict[type[Record], str] = {
    Curve: "curves",
    Evaluation: "evaluations",
    StatisticsError: "statistics",
    Noise: "noise",
    LogProbabilities: "predictions",
}


class BrokenBatchNormError(ArithmeticError):
    """The batch norm of a trial is not batch norm."""


class Gathered:
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
