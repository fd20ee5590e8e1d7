"""Trials on Ray actors."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import caviar
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD, environment
from caviar.runner.executors.executor import IDLE_SECONDS, SAME_KERNEL, RunTrial, other_kernel
from caviar.runner.executors.ray_address import knock, refusal
from caviar.runner.executors.ray_deaths import QUIET, machine_lost, told
from caviar.runner.executors.ray_folder import RayFolder, last_lines, make_folder
from caviar.runner.trial.arithmetic import arithmetic, same_kernel
from caviar.runner.trial.events import Event, Idle, Job, Outcome, Refused, WorkerDied
from caviar.runner.trial.run_trial import run_trial

with environment(QUIET):  # Read when Ray is imported; afterwards they have no effect.
    import ray
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]
    from ray.exceptions import RayError

ENVIRONMENT: dict[str, str | None] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": None,
    "PYTHONBREAKPOINT": None,
}
BUNDLE_SECONDS = 0.05
MESSAGES_A_SECOND = 300
"""A worker sends at most a message in `BUNDLE_SECONDS`, and all of them together about so many a
second besides one a trial: a message takes the driver some 1.5 ms (`benchmarks/streams.py`)."""
IN_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"


class _Actor:
    """A long-lived worker: the data arrive once, then job after job."""

    def __init__(self, data: Data, run: RunTrial, bundle_seconds: float) -> None:
        self._data = data
        self._run = run
        self._bundle_seconds = bundle_seconds
        self._sent = 0.0

    def ready(self) -> tuple[str, str, int, str]:
        """Once the data are here: host name and address, number of the process, and its kernel."""
        address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return platform.node(), address, os.getpid(), arithmetic().kernel

    def run(self, job: Job) -> Iterator[list[Event]]:
        """The trial's events in bundles: one message is dear, and short trials have few."""
        bundle: list[Event] = []
        for event in self._run(job, self._data):
            bundle.append(event)
            if isinstance(event, Outcome) or self._is_time():
                yield bundle
                self._sent, bundle = time.monotonic(), []

    def _is_time(self) -> bool:
        return time.monotonic() - self._sent >= self._bundle_seconds


@dataclass(frozen=True)
class _Worker:
    actor: Any
    host: str
    address: str
    process: int
    kernel: str


class RayExecutor:
    """Long-lived actors, one CPU and one BLAS thread each, that stream events back.

    Connects to `address`, else to the cluster that `RAY_ADDRESS` names (as it does inside a
    Ray job), else starts a local one and stops it at the end. Actors and calls are never
    restarted by Ray, which would run a trial twice: a dead actor is reported with its job.

    A local cluster listens on every interface, whatever it is told, so it is started with a
    token of its own; token, sockets and logs lie in a private folder that goes with it.
    """

    def __init__(
        self, data: Data, workers: int | None, address: str | None, run: RunTrial = run_trial
    ) -> None:
        self._run = run
        self._kernel = arithmetic().kernel
        self._refused: list[_Worker] = []
        self._connect(workers, address)
        self.workers = workers or max(1, int(_resources().get("CPU", 1)))
        self._bundle_seconds = max(BUNDLE_SECONDS, self.workers / MESSAGES_A_SECOND)
        self._data = ray.put(data)
        self._queue: deque[Job] = deque()
        self._idle: list[_Worker] = []
        self._starting: dict[Any, Any] = {}
        self._streams: dict[Any, tuple[_Worker, Job]] = {}

    def _connect(self, workers: int | None, address: str | None) -> None:
        where = address or os.environ.get("RAY_ADDRESS") or "local"
        self._folder = make_folder() if where == "local" else None
        self._environment = environment({**ENVIRONMENT, **_token(self._folder)})
        self._environment.__enter__()
        own: dict[str, Any] = {}
        shipped: dict[str, Any] = {} if IN_A_JOB in os.environ else {"py_modules": _packages()}
        if self._folder is not None:
            own = {"num_cpus": workers, "include_dashboard": False}
            own |= {"_temp_dir": str(self._folder.path)}
            shipped = {}
            os.environ.pop("RAY_AUTH_TOKEN", None)  # It would be taken before the file.
        try:
            knock(where)
            _read_environment()
            found: Any = ray.init(
                address=where,
                runtime_env=shipped,
                logging_level=logging.ERROR,
                log_to_driver=False,
                **own,
            )
        except Exception as error:  # Ray raises bare ones too, as where a start takes too long.
            self._leave()
            raise RequestError(refusal(where, error)) from None
        about = found.address_info
        self._here, self._logs = about["node_ip_address"], Path(about["session_dir"]) / "logs"

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def events(self) -> Iterator[Event]:
        while self._queue or self._streams:
            self._assign()
            ready = _ready([*self._streams, *self._starting])
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
            # Not those of the job: in a Ray job they may be the submitter's, which ours must not
            # contradict.
            variables = {"env_vars": ONE_BLAS_THREAD | same_kernel()}
            options = ray.remote(_Actor).options(num_cpus=1, max_restarts=0, runtime_env=variables)
            actor: Any = options.remote(self._data, self._run, self._bundle_seconds)
            self._starting[actor.ready.remote()] = actor
        while self._queue and self._idle:
            worker, job = self._idle.pop(), self._queue.popleft()
            stream = worker.actor.run.options(num_returns="streaming").remote(job)
            # The worker has the checkpoint now; the driver keeps those of all that wait.
            self._streams[stream] = (worker, replace(job, checkpoint=None))

    def _arrive(self, found: Any) -> Iterator[Event]:
        actor = self._starting.pop(found)
        try:
            about = ray.get(found)
        except RayError as error:
            # Charged to the next job, so that actors which cannot live do not go on for ever;
            # but no job is to blame for a machine.
            if self._queue and not machine_lost(error):
                yield WorkerDied(self._queue.popleft(), f"the Ray actor died: {told(error)}")
            return
        worker = _Worker(actor, *about)
        if worker.kernel == self._kernel:
            self._idle.append(worker)
        else:
            yield self._refuse(worker)

    def _refuse(self, worker: _Worker) -> Refused:
        """Let the actor live: it holds its CPU, so that no other is started there.

        Raises RequestError where no CPU is left for another.
        """
        self._refused.append(worker)
        left = int(_resources().get("CPU", 1)) - len(self._refused)
        self.workers = min(self.workers, left)
        why = other_kernel(f"the Ray actor on {worker.host}", worker.kernel, self._kernel)
        if self.workers < 1:
            raise RequestError(f"no worker computes as caviar does here: {why}; {SAME_KERNEL}")
        return Refused(why)

    def _receive(self, stream: Any) -> Iterator[Event]:
        worker, job = self._streams[stream]
        try:
            bundle: list[Event] = ray.get(next(stream))
        except (RayError, StopIteration) as error:
            del self._streams[stream]
            ray.kill(worker.actor)
            why, lost = self._reason(worker, error), machine_lost(error)
            yield WorkerDied(job, why, lost, worker.host)
            return
        if isinstance(bundle[-1], Outcome):
            del self._streams[stream]
            self._idle.append(worker)
        yield from bundle

    def _reason(self, worker: _Worker, error: Exception) -> str:
        """What happened to an actor, in a sentence, with what it wrote last if that is here."""
        if machine_lost(error):
            return f"the machine {worker.address} is lost or out of reach: {told(error)}"
        where = f"process {worker.process} on {worker.address}"
        words = self._last_words(worker)
        return f"the Ray actor died: {where}: {told(error)}" + (words and f"; last words: {words}")

    def _last_words(self, worker: _Worker) -> str:
        """The end of what it wrote to stderr; empty where nothing was, or on another machine."""
        if worker.address != self._here:
            return ""
        logs = self._logs.glob(f"worker-*-{worker.process}.err")
        return " | ".join(line for log in logs for line in last_lines(log))

    def close(self) -> None:
        """Stop the actors now, and the cluster where it was started here."""
        self._queue.clear()
        self._leave()

    def _leave(self) -> None:
        ray.shutdown(wait_for_processes=True)
        self._environment.__exit__(None, None, None)
        _read_environment()
        if self._folder is not None:
            self._folder.remove()


def _ready(waiting: list[Any]) -> list[Any]:
    """What has news, within `IDLE_SECONDS`; all of it at once, since a wait costs by how many
    are waited for: 10 ms for a thousand (`benchmarks/streams.py`)."""
    first, others = ray.wait(waiting, num_returns=1, timeout=IDLE_SECONDS)
    if not first or not others:
        return list(first)
    also, _ = ray.wait(others, num_returns=len(others), timeout=0)
    return [*first, *also]


def _token(folder: RayFolder | None) -> dict[str, str | None]:
    """The token of a cluster of our own; for others, what the user's environment says."""
    if folder is None:
        return {}
    path = str(folder.token)
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": path, "RAY_AUTH_TOKEN": None}


def _read_environment() -> None:
    """Have Ray look at the environment again; it keeps what it read first for good."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _resources() -> dict[str, float]:
    return dict(ray.cluster_resources())  # type: ignore[no-untyped-call]


def _packages() -> list[str]:
    """The package itself: what its relative links lead to is copied along."""
    return [str(Path(caviar.__file__).parent)]
