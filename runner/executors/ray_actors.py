"""Trials on Ray actors."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import caviar
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.batches import JobQueue, messages
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD, environment
from caviar.runner.executors.executor import IDLE_SECONDS, SAME_KERNEL, RunTrial, other_kernel
from caviar.runner.executors.ray_address import IN_A_JOB, knock, refusal
from caviar.runner.executors.ray_deaths import QUIET, machine_lost, told
from caviar.runner.executors.ray_folder import RayFolder, last_lines, make_folder
from caviar.runner.trial.arithmetic import arithmetic, same_kernel
from caviar.runner.trial.events import Event, Idle, Job, Outcome, Refused, WorkerDied, WorkerStarted
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.run_trial import run_trial

with environment(QUIET):  # Ray reads them when it is imported; later they have no effect.
    import ray
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]
    from ray.exceptions import RayError

ENVIRONMENT: dict[str, str | None] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": None,
    "PYTHONBREAKPOINT": None,
}
NOTHING_BEFOREHAND = {"prestart_worker_first_driver": False}
"""Ray starts one Python per CPU in advance, without the environment that our actors ask for: none
of them ever runs one, and `ray.init` waits for them."""
BUNDLE_SECONDS = 0.05
MESSAGES_PER_SECOND = 300
"""A worker sends at most one message in `BUNDLE_SECONDS`, and all of them together about this many
per second, besides one for each call: a message takes the driver about 1.5 ms
(`benchmarks/streams.py`)."""


class _Actor:
    """A long-lived worker: it receives the data once, then jobs."""

    def __init__(self, data: Data, run: RunTrial, bundle_seconds: float) -> None:
        self._data = data
        self._run = run
        self._bundle_seconds = bundle_seconds

    def ready(self, path: TrainingPath) -> tuple[str, str, int, str]:
        """Once the data are here: the host's name and address, the process's number, and its
        kernel on the path."""
        address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return platform.node(), address, os.getpid(), arithmetic(path).kernel

    def run(self, jobs: list[Job]) -> Iterator[list[Event]]:
        """The trials' events in bundles: messages are costly, and short trials have few events."""
        yield from messages(self._run, jobs, self._data, self._bundle_seconds)


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
    Ray job), else starts a local one and stops it at the end. Ray never restarts an actor or a
    call, which would run a trial twice: a dead actor is reported with its job.

    A local cluster listens on every interface, whatever it is told, so it is started with its own
    token; token, sockets and logs lie in a private folder that is removed with it.
    """

    def __init__(
        self, data: Data, workers: int | None, address: str | None, run: RunTrial = run_trial
    ) -> None:
        self._run = run
        self._kernel = ""
        self._refused: list[_Worker] = []
        self._connect(workers, address)
        self.workers = workers or max(1, int(_resources().get("CPU", 1)))
        self._bundle_seconds = max(BUNDLE_SECONDS, self.workers / MESSAGES_PER_SECOND)
        self._data = ray.put(data)
        self._queue = JobQueue()
        self._idle: list[_Worker] = []
        self._starting: dict[Any, Any] = {}
        self._streams: dict[Any, tuple[_Worker, list[Job]]] = {}

    def _connect(self, workers: int | None, address: str | None) -> None:
        where = address or os.environ.get("RAY_ADDRESS") or "local"
        self._folder = make_folder() if where == "local" else None
        self._environment = environment({**ENVIRONMENT, **_token(self._folder)})
        self._environment.__enter__()
        start: dict[str, Any] = {}
        shipped: dict[str, Any] = {} if IN_A_JOB in os.environ else {"py_modules": _packages()}
        if self._folder is not None:
            start = {"num_cpus": workers, "include_dashboard": False}
            start |= {"_temp_dir": str(self._folder.path), "_system_config": NOTHING_BEFOREHAND}
            shipped = {}
            os.environ.pop("RAY_AUTH_TOKEN", None)  # It would take precedence over the file.
        try:
            knock(where)
            _read_environment()
            context: Any = ray.init(
                address=where,
                runtime_env=shipped,
                logging_level=logging.ERROR,
                log_to_driver=False,
                **start,
            )
        except RequestError:
            self._leave()
            raise
        except Exception as error:  # Ray may raise any exception, e.g. if the start takes too long.
            self._leave()
            raise RequestError(refusal(where, error)) from None
        about = context.address_info
        self._here, self._logs = about["node_ip_address"], Path(about["session_dir"]) / "logs"

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def events(self) -> Iterator[Event]:
        while self._queue or self._streams:
            self._assign()
            ready = _ready([*self._streams, *self._starting])
            if not ready:
                yield Idle()
            for reference in ready:
                if reference in self._starting:
                    yield from self._arrive(reference)
                else:
                    yield from self._receive(reference)

    def _assign(self) -> None:
        """Start missing actors; give jobs only to actors that answered, longest job first."""
        actors = len(self._idle) + len(self._starting) + len(self._streams)
        for _ in range(min(self.workers - actors, len(self._queue))):
            path = self._queue.first().path
            self._kernel = arithmetic(path).kernel
            actor = self.start_actor()
            self._starting[actor.ready.remote(path)] = actor
        while self._queue and self._idle:
            worker, jobs = self._idle.pop(), self._queue.take(self.workers)
            stream = worker.actor.run.options(num_returns="streaming").remote(jobs)
            # From here on the worker has the checkpoint; the driver keeps those of waiting jobs.
            kept = [replace(job, checkpoint=None) if job.checkpoint else job for job in jobs]
            self._streams[stream] = (worker, kept)

    def start_actor(self) -> Any:
        """A new actor with the data, which never restarts."""
        # Set for the actor, not for the job: a Ray job may have the submitter's variables, which
        # ours must not contradict.
        variables = {"env_vars": ONE_BLAS_THREAD | same_kernel()}
        options = ray.remote(_Actor).options(num_cpus=1, max_restarts=0, runtime_env=variables)
        return options.remote(self._data, self._run, self._bundle_seconds)

    def _arrive(self, reference: Any) -> Iterator[Event]:
        actor = self._starting.pop(reference)
        try:
            about = ray.get(reference)
        except RayError as error:
            # Charged to the next job, so that actors which always die are not started for ever;
            # but a lost machine is charged to no job.
            if self._queue and not machine_lost(error):
                reason = f"the Ray actor died: {told(error)}"
                yield WorkerDied(self._queue.take_one(), reason, never_ran=True)
            return
        worker = _Worker(actor, *about)
        if worker.kernel == self._kernel:
            self._idle.append(worker)
            yield WorkerStarted(worker.host, worker.process)
        else:
            yield self._refuse(worker)

    def _refuse(self, worker: _Worker) -> Refused:
        """Keep the actor alive: it occupies its CPU, so that no other is started there.

        Raises RequestError if no CPU is left for another actor.
        """
        self._refused.append(worker)
        left = int(_resources().get("CPU", 1)) - len(self._refused)
        self.workers = min(self.workers, left)
        why = other_kernel(f"the Ray actor on {worker.host}", worker.kernel, self._kernel)
        if self.workers < 1:
            raise RequestError(
                f"no worker computes with the kernel of caviar here: {why}; {SAME_KERNEL}"
            )
        return Refused(why)

    def _receive(self, stream: Any) -> Iterator[Event]:
        worker, jobs = self._streams[stream]
        try:
            bundle: list[Event] = ray.get(next(stream))
        except (RayError, StopIteration) as error:
            del self._streams[stream]
            ray.kill(worker.actor)
            why, lost = self._reason(worker, error), machine_lost(error)
            yield WorkerDied(self._queue.returned(jobs), why, lost, worker.host)
            return
        for event in bundle:
            if isinstance(event, Outcome):
                self._queue.finished(event)
                del jobs[0]
        if not jobs:
            del self._streams[stream]
            self._idle.append(worker)
        yield from bundle

    def _reason(self, worker: _Worker, error: Exception) -> str:
        """What happened to an actor, in one sentence, with its last output if it ran here."""
        if machine_lost(error):
            return f"the machine {worker.address} is lost or out of reach: {told(error)}"
        where = f"process {worker.process} on {worker.address}"
        words = self._last_words(worker)
        return f"the Ray actor died: {where}: {told(error)}" + (words and f"; last words: {words}")

    def _last_words(self, worker: _Worker) -> str:
        """The end of its stderr; empty if it wrote nothing or ran on another machine."""
        if worker.address != self._here:
            return ""
        logs = self._logs.glob(f"worker-*-{worker.process}.err")
        return " | ".join(line for log in logs for line in last_lines(log))

    def close(self) -> None:
        """Stop the actors now, and the cluster if it was started here."""
        self._queue.clear()
        self._leave()

    def _leave(self) -> None:
        ray.shutdown(wait_for_processes=True)
        self._environment.__exit__(None, None, None)
        _read_environment()
        if self._folder is not None:
            self._folder.remove()


def _ready(waiting: list[Any]) -> list[Any]:
    """The references that are ready within `IDLE_SECONDS`. All are returned at once, since the
    cost of a wait grows with their number: 10 ms for a thousand (`benchmarks/streams.py`)."""
    first, others = ray.wait(waiting, num_returns=1, timeout=IDLE_SECONDS)
    if not first or not others:
        return list(first)
    also, _ = ray.wait(others, num_returns=len(others), timeout=0)
    return [*first, *also]


def _token(folder: RayFolder | None) -> dict[str, str | None]:
    """Variables with the token of a cluster that we start; none for one with the user's token."""
    if folder is None:
        return {}
    path = str(folder.token)
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": path, "RAY_AUTH_TOKEN": None}


def _read_environment() -> None:
    """Make Ray read the environment again; otherwise it keeps what it read first."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _resources() -> dict[str, float]:
    return dict(ray.cluster_resources())  # type: ignore[no-untyped-call]


def _packages() -> list[str]:
    """The package itself; Ray copies the targets of its relative links too."""
    return [str(Path(caviar.__file__).parent)]
