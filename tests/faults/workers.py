"""Workers that die at the point that a test chooses."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from caviar.model.records import Record
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.splits import Data
from caviar.runner.trial.events import Checkpoint, Event, Job
from caviar.runner.trial.run_trial import run_trial

FOR_GOOD = 3600.0
"""Seconds that outlast any test: a process that waits this long is killed at a known point."""

CGROUP = "CAVIAR_TEST_CGROUP"
"""The folder of a memory cgroup that a worker enters, in its environment."""

SPARE = 256 * 2**20
"""Bytes that a worker may still allocate; a trial that `is_hungry` needs more."""


STEPS = 20
"""Steps between two checkpoints of a trial of these workers."""


def _with_snapshots(
    training: Training,
    splits: Splits,
    start: Snapshot | None,
    due: Callable[[], bool],
    until: int | None,
) -> Iterator[Record]:
    """Train with a snapshot every `STEPS` steps, independent of the clock."""
    asked = count(1)
    return train(training, splits, start, lambda: next(asked) % STEPS == 0, until)


def runs(job: Job, data: Data) -> Iterator[Event]:
    """A real trial that sends its rows at once and its checkpoints at known steps."""
    return run_trial(job, data, trainer=_with_snapshots, block_seconds=0.0)


def is_hungry(job: Job) -> bool:
    return any(units > 1000 for units in job.config.hidden)


def holds_after_a_checkpoint(job: Job, data: Data) -> Iterator[Event]:
    """A real trial whose first attempt stops for ever after its third checkpoint."""
    sent = 0
    for event in runs(job, data):
        yield event
        sent += isinstance(event, Checkpoint)
        if sent == 3 and job.attempt == 0:
            time.sleep(FOR_GOOD)


def holds_after_two_checkpoints(job: Job, data: Data) -> Iterator[Event]:
    """A real trial that stops for ever after the second checkpoint of any attempt."""
    sent = 0
    for event in runs(job, data):
        yield event
        sent += isinstance(event, Checkpoint)
        if sent == 2:
            time.sleep(FOR_GOOD)


def kills_itself_at_small_ghosts(job: Job, data: Data) -> Iterator[Event]:
    """Such a trial ends the process by SIGKILL after every checkpoint that it did not begin
    with."""
    for event in runs(job, data):
        yield event
        if isinstance(event, Checkpoint) and job.config.norm_batch_size == 8:
            os.kill(os.getpid(), signal.SIGKILL)


def has_little_address_space(job: Job, data: Data) -> Iterator[Event]:
    """A real trial in a process that gets no more memory from the system."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    yield from runs(job, data)


def enters_the_cgroup(job: Job, data: Data) -> Iterator[Event]:
    """A real trial; a hungry one runs in a cgroup in which the kernel kills it."""
    if is_hungry(job):
        (Path(os.environ[CGROUP]) / "cgroup.procs").write_text(str(os.getpid()))
    yield from runs(job, data)
