"""One trial from its config to its events; never raises."""

from __future__ import annotations

import platform
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from model.conventions import trackers
from model.frameworks import ALL
from model.network import mlp
from model.optim import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    Momentum,
    Optimizer,
    Sgd,
    WeightDecayScope,
)
from model.records import Checked, Curve, Evaluation, Noise, Record, StatisticsError
from model.running import RunningStatistics
from model.schedule import SCHEDULES
from model.train import train
from model.training import Training
from runner.config import TrialConfig
from runner.data import Data, make_splits
from runner.events import Block, Event, Job, Outcome, Started

TABLE: dict[type[Record], str] = {
    Curve: "curves",
    Evaluation: "evaluations",
    StatisticsError: "statistics",
    Noise: "noise",
}

BLOCK_SECONDS = 1.0
"""A worker sends what it has gathered about this often: few, large blocks."""

OPTIMIZERS: dict[str, Callable[[TrialConfig], Optimizer]] = {
    "sgd": lambda c: Sgd(),
    "momentum": lambda c: Momentum(c.momentum),
    "adam": lambda c: Adam(c.momentum, c.beta2, c.adam_epsilon),
}
WEIGHT_DECAYS: dict[str, Callable[[Optimizer, float, WeightDecayScope], Optimizer]] = {
    "decoupled": DecoupledDecay,
    "coupled": CoupledDecay,
}


def run_trial(job: Job, data: Data) -> Iterator[Event]:
    """Train and measure, sending blocks of rows on the way and an outcome at the end.

    An exception inside becomes an outcome with its traceback.
    """
    gathered = _Gathered(job)
    started = time.perf_counter()
    yield Started(job.trial_id, job.attempt)
    try:
        due = started + BLOCK_SECONDS
        for record in train(build(job.config, len(data.classes)), make_splits(data, job.config)):
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
            steps=gathered.steps,
            rows=gathered.rows,
            invariants=gathered.invariants,
            host=platform.node(),
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )


def build(config: TrialConfig, classes: int) -> Training:
    """The training run that a config describes."""
    network = mlp(
        config.hidden,
        classes,
        norm=config.norm,
        norm_batch_size=config.norm_batch_size,
        epsilon=config.epsilon,
        activation=config.activation,
        dropout=config.dropout,
    )
    optimizer = OPTIMIZERS[config.optimizer](config)
    if config.weight_decay:
        style = WEIGHT_DECAYS[config.weight_decay_style]
        optimizer = style(optimizer, config.weight_decay, config.weight_decay_scope)
    rows = tuple(ALL[name] for name in config.conventions)
    bank = trackers(rows, tuple(dict.fromkeys((config.decay, *config.decays))))
    return Training(
        network=network,
        optimizer=optimizer,
        schedule=SCHEDULES[config.schedule],
        running=RunningStatistics(bank, config.ghost_update, config.epsilon),
        seeds=config.seeds,
        steps=config.steps,
        batch_size=config.batch_size,
        norm_batch_size=config.norm_batch_size,
        epsilon=config.epsilon,
        learning_rate=config.learning_rate,
        curve_steps=spread(config.steps, config.curve_rows),
        evaluation_steps=spread(config.steps, config.evaluations),
        probe_batch_sizes=config.probe_batch_sizes,
    )


def spread(steps: int, count: int) -> frozenset[int]:
    """`count` steps spread evenly over training, the last one always among them."""
    return frozenset(max(1, round(steps * (i + 1) / count)) for i in range(count))


class BrokenBatchNormError(ArithmeticError):
    """The batch norm of a trial is not batch norm."""


class _Gathered:
    """Rows waiting to be sent, and what the outcome will say about the whole trial."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.rows = 0
        self.steps = 0
        self.invariants = "none"
        self.diverged = np.zeros(len(job.config.seeds), bool)
        self.waiting: dict[str, dict[str, list[Any]]] = {}

    def add(self, record: Record) -> None:
        """One row a seed: what is an array differs by seed, what is a scalar is repeated."""
        if isinstance(record, Checked):
            self.check(record)
            return
        seeds = self.job.config.seeds
        columns = self.waiting.setdefault(TABLE[type(record)], {})
        columns.setdefault("seed", []).extend(seeds)
        for field in fields(record):
            value = getattr(record, field.name)
            values = value.tolist() if isinstance(value, np.ndarray) else [value] * len(seeds)
            columns.setdefault(field.name, []).extend(values)
        self.rows += len(seeds)
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
                f"batch norm's identities do not hold at step {record.step}: "
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
            steps=self.steps,
            rows=self.rows,
            diverged_seeds=tuple(seeds),
            invariants=self.invariants,
            host=platform.node(),
            error=f"the loss of {len(seeds)} seeds stopped being finite" if seeds else "",
        )
