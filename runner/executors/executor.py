"""What an executor is, stated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from caviar.runner.data.splits import Data
from caviar.runner.trial.events import Event, Job

IDLE_SECONDS = 0.25

"""How long an executor waits for an event before it sends `Idle`."""


OUT_OF_MEMORY = "perhaps out of memory; lower --workers or replicas"


def other_kernel(worker: str, theirs: str, ours: str) -> str:
    """Why a worker with another kernel gets no trial."""
    return (
        f"{worker} computes with {theirs}, and caviar here with {ours}: trials would differ in "
        "their last digits, so this worker gets none"
    )


SAME_KERNEL = (
    "where caviar starts, set OPENBLAS_CORETYPE (and NPY_DISABLE_CPU_FEATURES) to a kernel that "
    "every machine has"
)

RunTrial = Callable[[Job, Data], Iterator[Event]]

"""What a worker does with a job; a benchmark of the runner replaces it by a function that trains
nothing."""


class Executor(Protocol):
    """Long-lived workers that take jobs in the order of submission.

    `events` ends when no submitted job is outstanding; more may be submitted while it runs. A
    worker that dies is reported with its job and replaced; whether the job runs again is the
    caller's decision.
    """

    workers: int

    def submit(self, job: Job) -> None: ...

    def events(self) -> Iterator[Event]: ...

    def close(self) -> None: ...
