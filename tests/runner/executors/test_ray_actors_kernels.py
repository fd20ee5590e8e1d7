"""Actors compute with the driver's kernel, or get no trial; a failed start is explained."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import Progress
from caviar.runner.study.plan import Plan
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Event, Refused, WorkerDied
from tests.runner import workers
from tests.runner.clusters import joined_machine
from tests.runner.executors.test_ray_actors import (
    at_home,
    home,
    plan,
    read_by_ray_or_blas,
    run_on,
)
from tests.runner.helpers import jobs_of
from tests.runner.kernels import another_core, forcing

__all__ = ["at_home", "home", "plan"]  # Fixtures.

pytestmark = pytest.mark.ray


def test_an_actor_takes_the_kernel_that_the_driver_names_and_one_blas_thread(
    ray_machines: Cluster, plan: Plan
) -> None:
    """Although the machine's environment names another kernel and two threads."""
    executor = RayExecutor(plan.data, 1, ray_machines.address, workers.says_its_arithmetic)
    _, sink = run_on(executor, plan)
    assert {outcome.error for outcome in sink.outcomes} == {str(({1}, arithmetic().kernel))}


def test_where_every_actor_has_another_kernel_the_run_ends(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster of its own, while the driver keeps the threads that its environment names."""
    forced = forcing(tmp_path, {"OPENBLAS_CORETYPE": another_core()})
    with monkeypatch.context() as patch:
        for name, value in {"PYTHONPATH": forced, **dict.fromkeys(ONE_BLAS_THREAD, "2")}.items():
            patch.setenv(name, value)
        before = read_by_ray_or_blas()
        executor = RayExecutor(plan.data, 1, None, workers.never_ends)
        with pytest.raises(
            RequestError, match="no worker computes with the kernel of caviar here: the Ray"
        ):
            run_on(executor, plan)
        assert read_by_ray_or_blas() == before


def test_a_machine_with_another_kernel_gets_no_trial(
    ray_machines: Cluster, plan: Plan, tmp_path: Path
) -> None:
    """Of two machines, one; the trials wait until the other has been refused."""
    refusals, release = list[str](), tmp_path / "release"

    def observe(_: Progress, event: Event) -> None:
        if isinstance(event, Refused):
            refusals.append(event.reason)
            release.touch()

    run = partial(workers.holds_until, release)
    forced = forcing(tmp_path, {"OPENBLAS_CORETYPE": another_core()})
    with joined_machine(ray_machines, PYTHONPATH=forced):
        executor = RayExecutor(plan.data, 2, ray_machines.address, run)
        progress, sink = run_on(executor, plan, observe)
    assert (progress.done, progress.failed, progress.retries) == (4, 0, 0)
    assert {outcome.kernel for outcome in sink.outcomes} == {arithmetic().kernel}
    assert executor.workers == 1
    assert len(refusals) == 1 and refusals[0].startswith("the Ray actor on ")


def test_why_an_actor_cannot_be_made_is_told_in_one_line(
    ray_machines: Cluster, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trials need a module that only the driver finds: Ray ships no import path."""
    module = tmp_path / "trainer_of_a_user.py"
    module.write_text("def run(job, data): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    run = import_module(module.stem).run
    executor = RayExecutor(plan.data, 1, ray_machines.address, run)
    try:
        executor.submit(jobs_of(plan)[0])
        died = next(event for event in executor.events() if isinstance(event, WorkerDied))
    finally:
        executor.close()
        sys.modules.pop(module.stem)
    expected = "the Ray actor died: ModuleNotFoundError: No module named 'trainer_of_a_user'"
    assert died.reason == expected
