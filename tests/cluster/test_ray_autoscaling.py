"""A driver on a cluster that starts empty, grows as it is asked to, and shrinks at the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.autoscaler.v2.sdk import get_cluster_status

from caviar.runner.executors import ray_actors
from caviar.runner.executors.blas_threads import environment
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import Progress, run_study
from caviar.runner.store.sink import MemorySink
from caviar.runner.trial.events import Event, Idle, WorkerDied, WorkerStarted
from tests.cluster.autoscaling import started_empty
from tests.faults.lost_drivers.clusters import LostCluster
from tests.runner import workers
from tests.runner.clusters import words_of
from tests.runner.helpers import TINY, jobs_of, plan_of

pytestmark = [pytest.mark.ray, pytest.mark.slow]

MACHINES = 3
PATIENCE = 300
"""Moments without an event, of a quarter of a second, after which a test may fail."""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[LostCluster]:
    home = tmp_path / "home"
    home.mkdir()
    with environment({"HOME": str(home), "RAY_AUTH_MODE": "disabled"}):
        with started_empty(home, MACHINES, idle_seconds=3.0) as cluster:
            yield cluster


@dataclass
class Watched:
    """What a driver sees of a cluster; it kills a machine once, and lets the last trial go once no
    other machine is left."""

    cluster: LostCluster
    release: Path
    asked: int = 0
    started: set[int] = field(default_factory=set)
    lost: list[WorkerDied] = field(default_factory=list)
    after_the_loss: int = 0
    idle: int = 0
    at_last: int | None = None

    def __call__(self, progress: Progress, event: Event) -> None:
        self.asked = max(self.asked, asked_for(self.cluster))
        match event:
            case WorkerStarted():
                self.started.add(event.process)
                self.after_the_loss += bool(self.lost)
            case WorkerDied():
                self.lost.append(event)
            case Idle() if progress.total - progress.done == 1:
                self.idle += 1
                if len(machines()) == 1 and self.at_last is None:
                    self.at_last = progress.done
                if self.at_last or self.idle > PATIENCE:
                    self.release.touch()
        if len(self.started) == MACHINES and not self.killed():
            self.kill_a_machine()

    def killed(self) -> bool:
        return (self.release.parent / "killed").exists()

    def kill_a_machine(self) -> None:
        socket = machines()[-1]["RayletSocketName"]
        (raylet,) = [
            pid
            for pid in self.cluster.processes()
            if "/raylet/raylet" in words_of(pid) and socket in words_of(pid)
        ]
        (self.release.parent / "killed").touch()
        os.kill(raylet, signal.SIGKILL)


def machines() -> list[dict[str, Any]]:
    """The machines that are there, without the head."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # Ray's own
    return [node for node in nodes if node["Alive"] and node["Resources"].get("CPU")]


def asked_for(cluster: LostCluster) -> int:
    """The actors that wait for a CPU."""
    status = get_cluster_status(cluster.environment["RAY_ADDRESS"])
    demand = status.resource_demands.ray_task_actor_demand
    return sum(bundle.count for one in demand for bundle in one.bundles_by_count)


def test_an_empty_cluster_grows_for_a_study_and_shrinks_before_its_end(
    empty: LostCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actors, "RELEASE_SECONDS", 1.0)
    plan = plan_of(*TINY, "draws.count=50")
    jobs = jobs_of(plan)
    watched = Watched(empty, tmp_path / "release")
    trial = partial(workers.rests, watched.release, jobs[0].trial_id)
    executor = RayExecutor(plan.data, 64, empty.environment["RAY_ADDRESS"], trial)
    try:
        progress = run_study(jobs, executor, MemorySink(), watched)
    finally:
        executor.close()
    assert progress.outcomes == {"completed": 100}
    assert 64 - MACHINES <= watched.asked <= 64
    assert len(watched.started) > MACHINES and watched.after_the_loss >= 1
    assert [death.machine_lost for death in watched.lost] == [True]
    assert watched.at_last == 99
