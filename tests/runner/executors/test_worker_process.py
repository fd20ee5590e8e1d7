"""A worker that starts anew: its environment, and what the driver says where none can start.

It computes with the driver's kernel and one BLAS thread, or not at all.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.executors.worker_process import environment
from caviar.runner.trial.arithmetic import arithmetic, same_kernel
from caviar.runner.trial.events import Outcome
from tests.runner import workers
from tests.runner.helpers import TINY, jobs_of, parts, plan_of, settings_of, started
from tests.runner.kernels import another_core, forcing


def test_a_worker_inherits_the_environment_with_one_thread_and_the_same_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("OF_THE_USER", "x")
    variables = environment()
    assert variables["OF_THE_USER"] == "x"
    assert {name: variables[name] for name in ONE_BLAS_THREAD} == ONE_BLAS_THREAD
    named = {name: value for name, value in same_kernel().items() if value}
    assert {name: variables[name] for name in named} == named


def test_an_import_that_fails_in_the_worker_ends_the_run_with_its_cause(tmp_path: Path) -> None:
    """Whatever the number of trials: 40 of them would be charged 120 workers."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'worker import main' in str(sys.orig_argv): sys.modules['pydantic'] = None\n"
    )
    words = ("run", *settings_of((*TINY, "draws.count=20")), "--no-report", "--workers", "2")
    done = started(*words, "--out", "run", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "caviar: no worker can start, 5 failed in a row: the worker process exited with code 1 "
        "(ModuleNotFoundError: import of pydantic halted; None in sys.modules); the same command "
        "resumes once they can"
    )
    assert not parts(tmp_path / "run", "outcomes")


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
