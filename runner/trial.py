"""One trial from its config to its events; never raises."""

from __future__ import annotations

import math
import platform
import time
import traceback
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Probing,
    Record,
    StatisticsError,
)
from model.train import train
from runner.build import build
from runner.data import Data, make_splits
from runner.events import Block, Event, Job, Outcome, Started

TABLE: dict[type[Record], str] = {
    Curve: "curves",
    Evaluation: "evaluations",
    StatisticsError: "statistics",
    Noise: "noise",
    LogProbabilities: "predictions",
}

BLOCK_SECONDS = 1.0
"""A worker sends what it has gathered about this often: few, large blocks."""


def run_trial(job: Job, data: Data) -> Iterator[Event]:
    """Train and measure, sending blocks of rows on the way and an outcome at the end.

    An exception inside becomes an outcome with its traceback.
    """
    gathered = _Gathered(job)
    started = time.perf_counter()
    yield Started(job.trial_id, job.attempt)
    try:
        due, paused = started + BLOCK_SECONDS, None
        for record in train(build(job.config, data), make_splits(data, job.config)):
            if paused is not None:
                gathered.probe_seconds += time.perf_counter() - paused
                paused = None
            if isinstance(record, Probing):
                paused = time.perf_counter()
                continue
            gathered.add(record)
            if time.perf_counter() >= due:
                yield from gathered.blocks()
                due = time.perf_counter() + BLOCK_SECONDS
        yield from gathered.blocks()
        yield gathered.outcome(time.perf_counter() - started)
    except Exception as error:
        yield Outcome(
            job.trial_id,
            job.attempt,
            "failed",
            seconds=time.perf_counter() - started,
            probe_seconds=gathered.probe_seconds,
            steps=gathered.steps,
            rows=gathered.rows,
            invariants=gathered.invariants,
            host=platform.node(),
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )


class BrokenBatchNormError(ArithmeticError):
    """The batch norm of a trial is not batch norm."""


class _Gathered:
    """Rows waiting to be sent, and what the outcome will say about the whole trial."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.rows = 0
        self.steps = 0
        self.probe_seconds = 0.0
        self.invariants = "none"
        self.diverged = np.zeros(len(job.config.seeds), bool)
        self.waiting: dict[str, dict[str, list[Any]]] = {}

    def add(self, record: Record) -> None:
        """One row a seed (and example): an array differs by row, a scalar is repeated."""
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

    def check(self, record: Checked) -> None:
        """Raises BrokenBatchNormError where an identity does not hold: no row may be read."""
        self.invariants = "failed" if record.failed else "passed"
        if record.failed:
            raise BrokenBatchNormError(
                f"the norm's identities do not hold at step {record.step}: "
                f"{', '.join(record.failed)}; nothing this trial measures can be believed"
            )

    def blocks(self) -> list[Block]:
        sent = [
            Block(self.job.trial_id, self.job.attempt, table, columns)
            for table, columns in self.waiting.items()
        ]
        self.waiting = {}
        return sent

    def outcome(self, seconds: float) -> Outcome:
        seeds = np.asarray(self.job.config.seeds)[self.diverged].tolist()
        return Outcome(
            self.job.trial_id,
            self.job.attempt,
            "diverged" if seeds else "completed",
            seconds=seconds,
            probe_seconds=self.probe_seconds,
            steps=self.steps,
            rows=self.rows,
            diverged_seeds=tuple(seeds),
            invariants=self.invariants,
            host=platform.node(),
            error=f"the loss of {len(seeds)} seeds stopped being finite" if seeds else "",
        )


def _column(value: Any, lead: tuple[int, ...]) -> list[Any]:
    """A value a row; the axes of an array that are not `lead` stay together in a row."""
    rows = math.prod(lead)
    if not isinstance(value, np.ndarray):
        return [value] * rows
    column: list[Any] = value.reshape(rows, *value.shape[len(lead) :]).tolist()
    return column
