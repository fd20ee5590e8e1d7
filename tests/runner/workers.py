"""Functions that a worker can run in place of a real trial."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import threadpoolctl

from caviar.runner.data.splits import Data
from caviar.runner.store.schemas import ROW_TABLES
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Block, Event, Job, Outcome, Started
from caviar.runner.trial.run_trial import run_trial

FOR_GOOD = 3600.0
"""Seconds that outlast any test: a process that waits this long is killed at a known point."""


def _settled(job: Job, report: object) -> Outcome:
    return Outcome(job.trial_id, job.attempt, "completed", error=str(report))


def says_its_process(job: Job, data: Data) -> Iterator[Event]:
    yield _settled(job, os.getpid())


def says_its_arithmetic(job: Job, data: Data) -> Iterator[Event]:
    threads = {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    yield _settled(job, (threads, arithmetic().kernel))


def never_ends(job: Job, data: Data) -> Iterator[Event]:
    yield Started(job.trial_id, job.attempt)
    time.sleep(FOR_GOOD)


def holds_after(table: str, job: Job, data: Data) -> Iterator[Event]:
    """A real trial that sends its rows at once and hangs after its first block of a table."""
    for event in run_trial(job, data, block_seconds=0.0):
        yield event
        if isinstance(event, Block) and event.table == table:
            time.sleep(FOR_GOOD)


def holds_until(release: Path, job: Job, data: Data) -> Iterator[Event]:
    """A real trial that sends its rows at once and waits after the first until a file exists."""
    for event in run_trial(job, data, block_seconds=0.0):
        yield event
        while isinstance(event, Block) and not release.exists():
            time.sleep(0.01)


def quick_but_one(bad: str, job: Job, data: Data) -> Iterator[Event]:
    """Trials of one row and no time; the process ends in one of them, at every attempt."""
    yield Started(job.trial_id, job.attempt)
    if job.trial_id == bad:
        os._exit(3)
    columns = [name for name in ROW_TABLES["curves"].names if name not in ("trial_id", "attempt")]
    yield Block(job.trial_id, job.attempt, "curves", {name: [0] for name in columns})
    yield Outcome(job.trial_id, job.attempt, "completed", rows=1)


def large_ghosts_hold(job: Job, data: Data) -> Iterator[Event]:
    """Trials with a certain ghost size stop midway; the others, which go first, complete."""
    if job.config.norm_batch_size == 64:
        return holds_after("curves", job, data)
    return run_trial(job, data)


def first_attempts_hold(job: Job, data: Data) -> Iterator[Event]:
    """Every trial's first attempt stops midway; its second completes."""
    if job.attempt == 0:
        return holds_after("curves", job, data)
    return run_trial(job, data)


def dies_at_small_ghosts(job: Job, data: Data) -> Iterator[Event]:
    """The process ends midway through such a trial, at every attempt."""
    events = run_trial(job, data)
    yield next(events)
    if job.config.norm_batch_size == 4:
        os._exit(3)
    yield from events


def fails_at_small_ghosts(job: Job, data: Data) -> Iterator[Event]:
    """Such a trial gets ghosts that do not divide its batch, which every study refuses."""
    size = 5 if job.config.norm_batch_size == 4 else job.config.norm_batch_size
    config = job.config.model_copy(update={"norm_batch_size": size})
    yield from run_trial(replace(job, trial=config), data)


def dies_at_first(job: Job, data: Data) -> Iterator[Event]:
    """The process ends midway through every trial's first attempt."""
    events = run_trial(job, data)
    yield next(events)
    if job.attempt == 0:
        os._exit(3)
    yield from events


def _exit() -> NoReturn:
    os._exit(7)


class Poison(Data):
    """Data that end the process that receives them."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_exit, ())


def poisoned(data: Data) -> Poison:
    """The same data, but deadly to receive."""
    return Poison(**{field.name: getattr(data, field.name) for field in fields(data)})


def waits_for_ctrl_c(job: Job, data: Data) -> Iterator[Event]:
    """A real trial that continues once a Ctrl-C, which it blocks, has reached its process."""
    events = run_trial(job, data)
    yield next(events)
    while signal.SIGINT not in signal.sigpending():
        time.sleep(0.01)
    yield from events


def speaks_and_dies(job: Job, data: Data) -> Iterator[Event]:
    """The process writes to its stderr and ends."""
    yield Started(job.trial_id, job.attempt)
    print("zero\none\ntwo\n\nthree", file=sys.stderr, flush=True)
    os._exit(3)


def speaks_and_stays(job: Job, data: Data) -> Iterator[Event]:
    yield Started(job.trial_id, job.attempt)
    print(f"in trial {job.trial_id}", file=sys.stderr, flush=True)
    time.sleep(FOR_GOOD)


def rests(release: Path, held: str, job: Job, data: Data) -> Iterator[Event]:
    """Trials of no work and a third of a second; one waits until a file exists."""
    yield Started(job.trial_id, job.attempt)
    time.sleep(0.3)
    while job.trial_id == held and not release.exists():
        time.sleep(0.01)
    yield Outcome(job.trial_id, job.attempt, "completed", seconds=0.3)


def slowly(seconds: float, job: Job, data: Data) -> Iterator[Event]:
    """A real trial that sends its rows at once, and rests after each block of them."""
    for event in run_trial(job, data, block_seconds=0.0):
        yield event
        if isinstance(event, Block):
            time.sleep(seconds)
