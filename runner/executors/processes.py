"""Trials in local worker processes."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.batches import JobQueue
from caviar.runner.executors.executor import IDLE_SECONDS, OUT_OF_MEMORY, SAME_KERNEL, RunTrial
from caviar.runner.executors.worker_process import StartProcess, spawned
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Event, Idle, Job, Outcome, Refused, WorkerDied, WorkerStarted
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.run_trial import run_trial

FOR_THE_DRIVER = {signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}
"""Ctrl-C, a terminal that hangs up, Slurm's word: the driver decides what becomes of workers."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    jobs: list[Job] = field(default_factory=list)
    took_a_trial: bool = False
    error: str = ""


class LocalExecutor:
    """Processes with one pipe each, so that a killed one cannot harm the others.

    `run` is pickled by name, so it must not be defined in `__main__`. `start_process` starts the
    process of a worker.
    """

    def __init__(
        self,
        data: Data,
        workers: int,
        run: RunTrial = run_trial,
        start_process: StartProcess = spawned,
    ) -> None:
        self.workers = workers
        self._start_process = start_process
        self._run = run
        self._data = data
        self._queue = JobQueue()
        self._pool: list[_Worker] = []

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def events(self) -> Iterator[Event]:
        while (yield from self._assign()):
            ready = wait([w.connection for w in self._pool], timeout=IDLE_SECONDS)
            if not ready:
                yield Idle()
            for worker in [w for w in self._pool if w.connection in ready]:
                yield from self._receive(worker)

    def _assign(self) -> Generator[Event, None, bool]:
        """Hand queued jobs to idle workers, starting missing ones; whether any job is running."""
        idle = [w for w in self._pool if not w.jobs]
        while self._queue and (idle or len(self._pool) < self.workers):
            if idle:
                worker = idle.pop()
            else:
                worker = self._start(self._queue.first().path)
                yield WorkerStarted(platform.node(), worker.process.pid)
            jobs = self._queue.take(self.workers)
            # From here on the worker has the checkpoint; the driver keeps those of waiting jobs.
            worker.jobs = [replace(job, checkpoint=None) if job.checkpoint else job for job in jobs]
            with suppress(OSError):  # It died while idle; the next wait sees its closed pipe.
                worker.connection.send(jobs)
        return any(w.jobs for w in self._pool)

    def _start(self, path: TrainingPath) -> _Worker:
        worker = _Worker(*connected(self._start_process, self._run, self._data, path))
        self._pool.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Iterator[Event]:
        try:
            message: list[Event] | str = worker.connection.recv()
        except (EOFError, OSError):
            self._pool.remove(worker)
            exit_code = _ended(worker)
            if worker.jobs:
                reason = death(exit_code) + (worker.error and f" ({worker.error})")
                job, never_ran = self._queue.returned(worker.jobs), not worker.took_a_trial
                yield WorkerDied(job, reason, host=platform.node(), never_ran=never_ran)
            return
        if isinstance(message, str):  # Its last word: the pipe closes next.
            worker.error = message
            return
        worker.took_a_trial = True
        for event in message:
            if isinstance(event, Refused):
                raise RequestError(f"{event.reason}; {SAME_KERNEL}")
            if isinstance(event, Outcome):
                self._queue.finished(event)
                del worker.jobs[0]
        yield from message

    def close(self) -> None:
        """Stop the workers now, without finishing their trials."""
        self._queue.clear()
        for worker in self._pool:
            worker.process.kill()
        for worker in self._pool:
            _ended(worker)
        self._pool.clear()


def connected(
    start_process: StartProcess, run: object, data: Data, path: TrainingPath
) -> tuple[subprocess.Popen[bytes], Connection]:
    """A new worker process that answers calls with `run` on a path, and the pipe to it."""
    driver_end, worker_end = Pipe()
    # These reach the whole process group, also a worker that is still importing. A signal
    # blocked here stays blocked in the child; the driver receives it after the mask is reset.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_DRIVER)
    try:
        process = start_process(worker_end)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    worker_end.close()
    with suppress(OSError):  # It died while starting; the next wait sees its closed pipe.
        driver_end.send(sys.path)
        driver_end.send((run, data, path, arithmetic(path).kernel))
    return process, driver_end


def _ended(worker: _Worker) -> int:
    """Wait for a process that is ending; its exit code."""
    worker.connection.close()
    with worker.process as process:
        return process.wait()


def death(exit_code: int) -> str:
    """How a worker process ended, in words."""
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = f" ({OUT_OF_MEMORY})" if exit_code == -signal.SIGKILL else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process exited with code {exit_code}"
