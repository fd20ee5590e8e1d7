"""Where trials run, and the executor for that place, imported only when it is asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from caviar.runner.executors.cores import usable_cores

if TYPE_CHECKING:
    from caviar.runner.data.splits import Data
    from caviar.runner.executors.executor import Executor, RunTrial
    from caviar.runner.executors.hosting.hosts import Answering, Hosts
    from caviar.runner.executors.worker_process import StartProcess
    from caviar.runner.trial.kernels import TrainingPath


class Where(StrEnum):
    """Where trials run."""

    local = "local"
    ray = "ray"
    inline = "inline"


def executor_on(
    where: Where,
    data: Data,
    jobs: int,
    workers: int | None,
    address: str | None,
    run: RunTrial,
    start_process: StartProcess | None = None,
) -> Executor:
    """An executor for this number of jobs; for none, nothing is started.

    `workers`: the number of trials at once, by default one per core. `address`: that of a running
    Ray cluster. `run`: what a worker does with a job. `start_process`: how a local worker starts,
    by default as a new process.
    Raises RequestError if the Ray cluster does not start or answer.
    """
    if where is Where.inline or not jobs:
        from caviar.runner.executors.inline import InlineExecutor

        return InlineExecutor(data, run)
    if where is Where.ray:
        from caviar.runner.executors.ray_actors import RayExecutor

        return RayExecutor(data, workers, address, run)
    from caviar.runner.executors.processes import LocalExecutor
    from caviar.runner.executors.worker_process import spawned

    count = min(workers or usable_cores(), jobs)
    return LocalExecutor(data, count, run, start_process or spawned)


def hosts_on(
    where: Where,
    answering: Answering,
    data: Data,
    path: TrainingPath,
    address: str | None,
    start_process: StartProcess | None = None,
) -> Hosts:
    """Where one worker starts that answers calls in turn; the arguments are those of `executor_on`.

    It is never this process. Raises RequestError if the Ray cluster does not start or answer.
    """
    if where is Where.ray:
        from caviar.runner.executors.hosting.ray_host import RayHosts

        return RayHosts(answering, data, path, address)
    from caviar.runner.executors.hosting.hosts import LocalHosts
    from caviar.runner.executors.worker_process import spawned

    return LocalHosts(answering, data, path, start_process or spawned)
