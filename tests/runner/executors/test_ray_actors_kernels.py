"""Actors compute with the driver's kernel, or get no trial; a failed start is explained."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import environment
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import Progress, run_study
from caviar.runner.store.sink import MemorySink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Event, Refused, WorkerDied
from tests.runner import workers
from tests.runner.executors.test_ray_actors import at_home, home, plan, run_on_ray
from tests.runner.helpers import jobs_of
from tests.runner.kernels import another_core, forcing

__all__ = ["at_home", "home", "plan"]  # Fixtures.

pytestmark = pytest.mark.ray


def test_an_actor_takes_the_kernel_that_the_driver_names(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the machine's environment names another one."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", another_core())
    _, sink = run_on_ray(plan, workers.says_its_kernel)
    assert {outcome.error for outcome in sink.outcomes} == {arithmetic().kernel}


def test_where_every_actor_has_another_kernel_the_run_ends(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced = forcing(tmp_path, {"OPENBLAS_CORETYPE": another_core()})
    monkeypatch.setenv("PYTHONPATH", forced)
    with pytest.raises(
        RequestError, match="no worker computes with the kernel of caviar here: the Ray"
    ):
        run_on_ray(plan, workers.says_its_kernel)


@pytest.fixture
def two_kernels(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of two machines: one with this process's kernel, one with another."""
    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
    forced = forcing(tmp_path, {"OPENBLAS_CORETYPE": another_core()})
    cluster = Cluster(True, head_node_args={**node, "include_dashboard": False})
    with environment({"PYTHONPATH": forced}):
        cluster.add_node(**node)
    yield cluster
    cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_machine_with_another_kernel_gets_no_trial(
    plan: Plan, two_kernels: Cluster, tmp_path: Path
) -> None:
    """The trials wait until the machine has been refused."""
    sink, refusals, release = MemorySink(), list[str](), tmp_path / "release"

    def observe(_: Progress, event: Event) -> None:
        if isinstance(event, Refused):
            refusals.append(event.reason)
            release.touch()

    run = partial(workers.holds_until, release)
    executor = RayExecutor(plan.data, 2, two_kernels.address, run)
    try:
        progress = run_study(jobs_of(plan), executor, sink, observe)
    finally:
        executor.close()
    assert (progress.done, progress.failed, progress.retries) == (4, 0, 0)
    assert {outcome.kernel for outcome in sink.outcomes} == {arithmetic().kernel}
    assert executor.workers == 1
    assert len(refusals) == 1 and refusals[0].startswith("the Ray actor on ")


def test_why_an_actor_cannot_be_made_is_told_in_one_line(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trials need a module that only the driver finds: Ray ships no import path."""
    module = tmp_path / "trainer_of_a_user.py"
    module.write_text("def run(job, data): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    run = import_module(module.stem).run
    executor = RayExecutor(plan.data, 1, None, run)
    try:
        executor.submit(jobs_of(plan)[0])
        died = next(event for event in executor.events() if isinstance(event, WorkerDied))
    finally:
        executor.close()
        sys.modules.pop(module.stem)
    expected = "the Ray actor died: ModuleNotFoundError: No module named 'trainer_of_a_user'"
    assert died.reason == expected
