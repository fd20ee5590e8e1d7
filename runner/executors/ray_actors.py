"""Trials on Ray actors."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import caviar
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.executors.batches import JobQueue, messages
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD, environment
from caviar.runner.executors.executor import (
    IDLE_SECONDS,
    SAME_KERNEL,
    RunTrial,
    other_kernel,
)
from caviar.runner.executors.ray_address import IN_A_JOB, knock, refusal
from caviar.runner.executors.ray_deaths import QUIET, Death, Deaths, in_words, machine_lost
from caviar.runner.executors.ray_folder import make_folder
from caviar.runner.limits import CHECKPOINTS_PER_SECOND
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

RELEASE_SECONDS = 30.0
"""An actor that has had no job for as long ends, so that a cluster may stop its machine."""

SIZE_SECONDS = 2.0
"""How often the cluster is asked for its size, where the workers follow it."""


class _Actor:
    """A long-lived worker: it receives the data once, then jobs."""

    def __init__(self, data: Data, run: RunTrial) -> None:
        self._data = data
        self._run = run

    def ready(self, path: TrainingPath) -> tuple[str, str, int, str]:
        """Once the data are here: the host's name and address, the process's number, and its
        kernel on the path."""
        address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return platform.node(), address, os.getpid(), arithmetic(path).kernel

    def run(self, jobs: list[Job], bundle_seconds: float = BUNDLE_SECONDS) -> Iterator[list[Event]]:
        """The trials' events in bundles: messages are costly, and short trials have few events."""
        yield from messages(self._run, jobs, self._data, bundle_seconds)


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

    At most `workers` actors are asked for at once, whatever the cluster has, so that one that
    grows on demand does; None follows its size. They begin as they come, and end once no job is
    left for them.

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
        self._deaths = Deaths()
        self._follows = workers is None
        self.workers = workers or _cpus()
        self._measured = time.monotonic()
        self._data = ray.put(data)
        self._queue = JobQueue()
        self._idle: dict[_Worker, float] = {}
        self._starting: dict[Any, Any] = {}
        self._streams: dict[Any, tuple[_Worker, list[Job]]] = {}

    def _connect(self, workers: int | None, address: str | None) -> None:
        where = address or os.environ.get("RAY_ADDRESS") or "local"
        self._folder = make_folder() if where == "local" else None
        token = {} if self._folder is None else self._folder.variables
        self._environment = environment({**ENVIRONMENT, **token})
        self._environment.__enter__()
        start: dict[str, Any] = {}
        ours = {"py_modules": [str(Path(caviar.__file__).parent)]}  # With what its links lead to.
        shipped: dict[str, Any] = {} if IN_A_JOB in os.environ else ours
        if self._folder is not None:
            start = {"num_cpus": workers, "include_dashboard": False}
            start |= {"_temp_dir": str(self._folder.path), "_system_config": NOTHING_BEFOREHAND}
            shipped = {}
            os.environ.pop("RAY_AUTH_TOKEN", None)  # It would take precedence over the file.
        try:
            knock(where)
            _read_environment()
            ray.init(
                address=where,
                runtime_env=shipped,
                logging_level=logging.ERROR,
                log_to_driver=True,  # To `Deaths`.
                **start,
            )
        except Exception as error:  # Ray may raise any exception, e.g. if the start takes too long.
            self._leave()
            wrong = isinstance(error, RequestError)
            raise error if wrong else RequestError(refusal(where, error)) from None

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def events(self) -> Iterator[Event]:
        while self._queue or self._streams or self._deaths:
            self._follow()
            self._assign()
            self._let_go()
            ready = _ready([*self._streams, *self._starting])
            for death, why in self._deaths.told(time.monotonic()):
                job, lost = self._queue.returned(death.jobs), machine_lost(death.error)
                yield WorkerDied(job, why, lost, death.host)
            if not ready:
                yield Idle()
            for reference in ready:
                if reference in self._starting:
                    yield from self._arrive(reference)
                else:
                    yield from self._receive(reference)

    def _follow(self) -> None:
        """Have as many workers as the cluster has CPUs, where no number was asked for."""
        if self._follows and time.monotonic() - self._measured >= SIZE_SECONDS:
            self.workers = max(1, _cpus() - len(self._refused))
            self._measured = time.monotonic()

    def _assign(self) -> None:
        """Start missing actors; give jobs only to actors that answered, longest job first."""
        actors = len(self._idle) + len(self._starting) + len(self._streams)
        for _ in range(min(self.workers - actors, len(self._queue))):
            path = self._queue.first().path
            self._kernel = arithmetic(path).kernel
            actor = self.start_actor()
            self._starting[actor.ready.remote(path)] = actor
        while self._queue and self._idle:
            (worker, _), jobs = self._idle.popitem(), self._taken()
            bundle = max(BUNDLE_SECONDS, self.workers / MESSAGES_PER_SECOND)
            stream = worker.actor.run.options(num_returns="streaming").remote(jobs, bundle)
            # From here on the worker has the checkpoint; the driver keeps those of waiting jobs.
            kept = [replace(job, checkpoint=None) if job.checkpoint else job for job in jobs]
            self._streams[stream] = (worker, kept)

    def start_actor(self) -> Any:
        """A new actor with the data, which never restarts."""
        # Set for the actor, not for the job: a Ray job may have the submitter's variables, which
        # ours must not contradict.
        variables = {"env_vars": ONE_BLAS_THREAD | same_kernel()}
        options = ray.remote(_Actor).options(num_cpus=1, max_restarts=0, runtime_env=variables)
        return options.remote(self._data, self._run)

    def _taken(self) -> list[Job]:
        """The next jobs for one worker; the more there are by now, the rarer their checkpoints."""
        jobs, least = self._queue.take(self.workers), self.workers / CHECKPOINTS_PER_SECOND
        rarer = [replace(j, checkpoint_seconds=max(j.checkpoint_seconds, least)) for j in jobs]
        return rarer if self._follows else jobs

    def _let_go(self) -> None:
        """Stop asking for actors that no job is left for, and end those long without one."""
        for reference in list(self._starting)[len(self._queue) :]:
            ray.kill(self._starting.pop(reference))
        for worker, since in list(self._idle.items()):
            if time.monotonic() - since > RELEASE_SECONDS:
                ray.kill(worker.actor)
                del self._idle[worker]

    def _arrive(self, reference: Any) -> Iterator[Event]:
        actor = self._starting.pop(reference)
        try:
            about = ray.get(reference)
        except RayError as error:
            # Charged to the next job, so that actors which always die are not started for ever;
            # but a lost machine is charged to no job.
            if self._queue and not machine_lost(error):
                reason = f"the Ray actor died: {in_words(error)}"
                yield WorkerDied(self._queue.take_one(), reason, never_ran=True)
            return
        worker = _Worker(actor, *about)
        if worker.kernel == self._kernel:
            self._idle[worker] = time.monotonic()
            yield WorkerStarted(worker.host, worker.process)
        else:
            yield self._refuse(worker)

    def _refuse(self, worker: _Worker) -> Refused:
        """Keep the actor alive: it occupies its CPU, so that no other is started there.

        Raises RequestError if no CPU is left for another actor.
        """
        self._refused.append(worker)
        left = _cpus() - len(self._refused)
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
            who = worker.host, worker.address, worker.process
            self._deaths.add(Death(*who, jobs, error, time.monotonic()))
            return
        for event in bundle:
            if isinstance(event, Outcome):
                self._queue.finished(event)
                del jobs[0]
        if not jobs:
            del self._streams[stream]
            self._idle[worker] = time.monotonic()
        yield from bundle

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
    """The references that are ready within `IDLE_SECONDS`; all at once, since the cost of a wait
    grows with their number: 10 ms for a thousand (`benchmarks/streams.py`)."""
    if not waiting:
        time.sleep(IDLE_SECONDS)
        return []
    first, others = ray.wait(waiting, num_returns=1, timeout=IDLE_SECONDS)
    if not first or not others:
        return list(first)
    also, _ = ray.wait(others, num_returns=len(others), timeout=0)
    return [*first, *also]


def _read_environment() -> None:
    """Make Ray read the environment again; otherwise it keeps what it read first."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _cpus() -> int:
    """The CPUs of the cluster; one where it has none yet, so that one is asked for."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
