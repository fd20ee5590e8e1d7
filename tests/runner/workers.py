"""What a worker may be given in place of a real trial."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import threadpoolctl

from runner.data import Data
from runner.events import Event, Job, Outcome, Started
from runner.trial import run_trial


def _settled(job: Job, said: object) -> Outcome:
    return Outcome(job.trial_id, job.attempt, "completed", error=str(said))


def says_its_process(job: Job, data: Data) -> Iterator[Event]:
    yield _settled(job, os.getpid())


def says_its_threads(job: Job, data: Data) -> Iterator[Event]:
    found = {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    yield _settled(job, sorted(found))


def takes_a_second(job: Job, data: Data) -> Iterator[Event]:
    yield Started(job.trial_id, job.attempt)
    time.sleep(1.0)
    yield _settled(job, "")


def never_ends(job: Job, data: Data) -> Iterator[Event]:
    yield Started(job.trial_id, job.attempt)
    time.sleep(3600)


def dies_at_small_ghosts(job: Job, data: Data) -> Iterator[Event]:
    """The process ends in the middle of such a trial, at every attempt."""
    events = run_trial(job, data)
    yield next(events)
    if job.config.norm_batch_size == 4:
        os._exit(3)
    yield from events


def dies_at_first(job: Job, data: Data) -> Iterator[Event]:
    """The process ends in the middle of every trial's first attempt."""
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


def waits_a_moment(job: Job, data: Data) -> Iterator[Event]:
    """A real trial, late enough to be caught at its start."""
    events = run_trial(job, data)
    yield next(events)
    time.sleep(0.5)
    yield from events


def speaks_and_dies(job: Job, data: Data) -> Iterator[Event]:
    """The process says something on its stderr and ends."""
    yield Started(job.trial_id, job.attempt)
    print("zero\none\ntwo\n\nthree", file=sys.stderr, flush=True)
    os._exit(3)
