"""What an executor is, stated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from caviar.runner.data.splits import Data
from caviar.runner.trial.events import Event, Job

IDLE_SECONDS = 0.25

"""How long an executor waits for news before it says that there is none."""

WANT_OF_MEMORY = "perhaps for want of memory: fewer --workers or replicas need less"


def other_kernel(worker: str, theirs: str, ours: str) -> str:
    """Why a worker gets no trial."""
    return (
        f"{worker} computes with {theirs}, and caviar here with {ours}: trials would differ in "
        "their last digits, so it gets none"
    )


SAME_KERNEL = (
    "set OPENBLAS_CORETYPE (and NPY_DISABLE_CPU_FEATURES) where caviar starts to a kernel that "
    "every machine has"
)

RunTrial = Callable[[Job, Data], Iterator[Event]]

"""What a worker does with a job; a benchmark of the runner puts nothing in its place."""


class Executor(Protocol):
    """Long-lived workers that pull jobs in the order they were submitted.

    `events` ends when no submitted job is outstanding; more may be submitted while it runs. A
    worker that dies is reported with its job and replaced; whether the job runs again is the
    caller's decision.
    """

    workers: int

    def submit(self, job: Job) -> None: ...

    def events(self) -> Iterator[Event]: ...

    def close(self) -> None: ...
