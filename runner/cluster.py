"""Trials on Ray actors; the only module that imports ray."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from runner.data import Data
from runner.errors import RequestError
from runner.events import Event, Idle, Job, Outcome, WorkerDied
from runner.executor import IDLE_SECONDS, RunTrial
from runner.threads import ONE_BLAS_THREAD, environment
from runner.trial import run_trial

ENVIRONMENT: dict[str, str | None] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    # ray.init() turns token mode on for a new cluster and leaves it in the environment.
    "RAY_AUTH_MODE": None,
    "PYTHONBREAKPOINT": None,
}
BUNDLE_SECONDS = 0.05
IN_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"


class _Actor:
    """A long-lived worker: the data arrive once, then job after job."""

    def __init__(self, data: Data, run: RunTrial) -> None:
        self._data = data
        self._run = run
        self._sent = 0.0

    def ready(self) -> bool:
        return True

    def run(self, job: Job) -> Iterator[list[Event]]:
        """The trial's events in bundles: one message is dear, and short trials have few."""
        bundle: list[Event] = []
        for event in self._run(job, self._data):
            bundle.append(event)
            if isinstance(event, Outcome) or time.monotonic() - self._sent >= BUNDLE_SECONDS:
                yield bundle
                self._sent, bundle = time.monotonic(), []


class RayExecutor:
    """Long-lived actors, one CPU and one BLAS thread each, that stream events back.

    Connects to `address`, else to the cluster that `RAY_ADDRESS` names (as it does inside a
    Ray job), else starts a local one and stops it at the end. Actors and calls are never
    restarted by Ray, which would run a trial twice: a dead actor is reported with its job.
    """

    def __init__(
        self, data: Data, workers: int | None, address: str | None, run: RunTrial = run_trial
    ) -> None:
        self._run = run
        self._connect(workers, address)
        self.workers = workers or max(1, int(_resources().get("CPU", 1)))
        self._data = ray.put(data)
        self._queue: deque[Job] = deque()
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._streams: dict[Any, tuple[Any, Job]] = {}

    def _connect(self, workers: int | None, address: str | None) -> None:
        self._environment = environment(ENVIRONMENT)
        self._environment.__enter__()
        where = address or os.environ.get("RAY_ADDRESS") or "local"
        own: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False}
        shipped = {} if IN_A_JOB in os.environ else {"py_modules": _packages()}
        try:
            _knock(where)
            ray.init(
                address=where,
                runtime_env={"env_vars": ONE_BLAS_THREAD, **({} if where == "local" else shipped)},
                logging_level=logging.ERROR,
                log_to_driver=False,
                **(own if where == "local" else {}),
            )
        except (OSError, ValueError, RuntimeError, RayError) as error:
            self._environment.__exit__(None, None, None)
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RequestError(
                f"cannot use the Ray cluster at {where!r}: {said}; "
                "check the address, or leave --address away to start a local cluster"
            ) from None

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def events(self) -> Iterator[Event]:
        while self._queue or self._streams:
            self._assign()
            waiting = [*self._streams, *self._starting]
            ready, _ = ray.wait(waiting, num_returns=1, timeout=IDLE_SECONDS)
            if not ready:
                yield Idle()
            for found in ready:
                if found in self._starting:
                    yield from self._arrive(found)
                else:
                    yield from self._receive(found)

    def _assign(self) -> None:
        """Start missing actors; give jobs only to actors that answered, longest job first."""
        actors = len(self._idle) + len(self._starting) + len(self._streams)
        for _ in range(min(self.workers - actors, len(self._queue))):
            actor: Any = (
                ray.remote(_Actor).options(num_cpus=1, max_restarts=0).remote(self._data, self._run)
            )
            self._starting[actor.ready.remote()] = actor
        while self._queue and self._idle:
            actor, job = self._idle.pop(), self._queue.popleft()
            stream = actor.run.options(num_returns="streaming").remote(job)
            self._streams[stream] = (actor, job)

    def _arrive(self, found: Any) -> Iterator[Event]:
        actor = self._starting.pop(found)
        try:
            ray.get(found)
        except RayError as error:
            # Charged to the next job, so that actors which cannot live do not go on for ever.
            if self._queue:
                yield WorkerDied(self._queue.popleft(), _last_words(error))
            return
        self._idle.append(actor)

    def _receive(self, stream: Any) -> Iterator[Event]:
        actor, job = self._streams[stream]
        try:
            bundle: list[Event] = ray.get(next(stream))
        except (RayError, StopIteration) as error:
            del self._streams[stream]
            ray.kill(actor)
            yield WorkerDied(job, _last_words(error))
            return
        if isinstance(bundle[-1], Outcome):
            del self._streams[stream]
            self._idle.append(actor)
        yield from bundle

    def close(self) -> None:
        """Stop the actors now, and the cluster where it was started here."""
        self._queue.clear()
        ray.shutdown()
        self._environment.__exit__(None, None, None)


def _knock(where: str) -> None:
    """Raises OSError if no one listens at `host:port`; Ray itself would try for minutes."""
    host, colon, port = where.rpartition(":")
    if colon and "/" not in where and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _last_words(error: Exception) -> str:
    return f"the Ray actor died: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"


def _resources() -> dict[str, float]:
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return found


def _packages() -> list[str]:
    root = Path(__file__).resolve().parent.parent
    return [str(root / "model"), str(root / "runner")]
