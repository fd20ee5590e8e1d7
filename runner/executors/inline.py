"""Trials in this process, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from caviar.runner.data.splits import Data
from caviar.runner.executors.blas_threads import one_blas_thread
from caviar.runner.executors.executor import RunTrial
from caviar.runner.trial.events import Event, Job
from caviar.runner.trial.run_trial import run_trial


class InlineExecutor:
    """Runs trials in this process, one after the other."""

    workers = 1

    def __init__(self, data: Data, run: RunTrial = run_trial) -> None:
        self._data = data
        self._run = run
        self._queue: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def events(self) -> Iterator[Event]:
        with one_blas_thread():  # Once: it takes a millisecond to look for the BLAS.
            while self._queue:
                yield from self._run(self._queue.popleft(), self._data)

    def close(self) -> None:
        self._queue.clear()
