"""Local workers compute with the driver's kernel and one BLAS thread, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Outcome
from tests.runner import workers
from tests.runner.helpers import TINY, jobs_of, plan_of
from tests.runner.kernels import another_core, forcing


def test_a_worker_takes_the_kernel_that_the_driver_names_and_one_blas_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although the environment names another one and two threads, set after the driver loaded
    numpy; the driver's environment stays as it is."""
    plan = plan_of(*TINY)
    named = {"OPENBLAS_CORETYPE": another_core(), **dict.fromkeys(ONE_BLAS_THREAD, "2")}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    executor = LocalExecutor(plan.data, 1, workers.says_its_arithmetic)
    executor.submit(jobs_of(plan)[0])
    reports = [event.error for event in executor.events() if isinstance(event, Outcome)]
    executor.close()
    assert reports == [str(({1}, arithmetic().kernel))]
    assert {name: os.environ[name] for name in named} == named


def test_a_worker_with_another_kernel_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = plan_of(*TINY)
    forced = forcing(tmp_path, {"OPENBLAS_CORETYPE": another_core()})
    monkeypatch.setenv("PYTHONPATH", forced)
    executor = LocalExecutor(plan.data, 1)
    executor.submit(jobs_of(plan)[0])
    try:
        with pytest.raises(RequestError) as refusal:
            list(executor.events())
    finally:
        executor.close()
    message = str(refusal.value)
    assert message.startswith("the local worker computes with ")
    assert f"caviar here with {arithmetic().kernel}: trials would differ in their last" in message
    assert message.endswith("a kernel that every machine has")
