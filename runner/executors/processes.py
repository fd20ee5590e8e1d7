"""Trials in local worker processes."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from caviar.runner.data.splits import Data
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD, environment
from caviar.runner.executors.executor import IDLE_SECONDS, WANT_OF_MEMORY, RunTrial
from caviar.runner.trial.events import Event, Idle, Job, Outcome, WorkerDied
from caviar.runner.trial.run_trial import run_trial


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None


class LocalExecutor:
    """Spawned processes, a pipe each, so that one that is killed cannot hurt the others."""

    def __init__(self, data: Data, workers: int, run: RunTrial = run_trial) -> None:
        self.workers = workers
        self._run = run
        self._data = data
        self._queue: deque[Job] = deque()
        self._pool: list[_Worker] = []

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def events(self) -> Iterator[Event]:
        while self._assign():
            ready = wait([w.connection for w in self._pool], timeout=IDLE_SECONDS)
            if not ready:
                yield Idle()
            for worker in [w for w in self._pool if w.connection in ready]:
                yield from self._receive(worker)

    def _assign(self) -> bool:
        """Hand queued jobs to idle workers, starting what is missing; is anything under way?"""
        idle = [w for w in self._pool if w.job is None]
        while self._queue and (idle or len(self._pool) < self.workers):
            worker = idle.pop() if idle else self._start()
            job = self._queue.popleft()
            # The worker has the checkpoint from here on; the driver keeps those that wait.
            worker.job = replace(job, checkpoint=None)
            try:
                worker.connection.send(job)
            except OSError:
                pass  # It died idle: its closed pipe says so at the next wait.
        return any(w.job is not None for w in self._pool)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, self._data, self._run), daemon=True)
        # Ctrl-C reaches the whole process group, a worker that is still importing too. A signal
        # blocked here stays blocked in the child for good; the driver's own is only held back.
        resource_tracker.ensure_running()  # which would unblock it again, were it started inside
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with environment(ONE_BLAS_THREAD):
                process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        there.close()
        worker = _Worker(process, here)
        self._pool.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Iterator[Event]:
        try:
            event: Event = worker.connection.recv()
        except (EOFError, OSError):
            self._pool.remove(worker)
            worker.process.join()
            worker.connection.close()
            if worker.job is not None:
                reason = _reason(worker.process.exitcode)
                yield WorkerDied(worker.job, reason, host=platform.node())
            return
        if isinstance(event, Outcome):
            worker.job = None
        yield event

    def close(self) -> None:
        """Stop the workers now; what they were at is not finished."""
        self._queue.clear()
        for worker in self._pool:
            worker.process.kill()
        for worker in self._pool:
            worker.process.join()
            worker.connection.close()
        self._pool.clear()


def _reason(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = f" ({WANT_OF_MEMORY})" if exit_code == -signal.SIGKILL else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process exited with code {exit_code}"


def _work(connection: Connection, data: Data, run: RunTrial) -> None:
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    try:
        while True:
            for event in run(connection.recv(), data):
                connection.send(event)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # The driver is gone, and with it anyone to report to.


def _end_with_the_driver() -> None:
    """A driver that is killed cannot stop its workers, and one in a long step sends nothing."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)
