"""What a process computes with, and how it makes another process use the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import threadpoolctl

from caviar.runner.trial.arithmetic import arithmetic, openblas_core, same_kernel
from caviar.runner.trial.blas import UNKNOWN
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import TINY, jobs_of, outcome_of, plan_of
from tests.runner.kernels import another_core, kernel_under

NAMES = "from caviar.runner.trial.arithmetic import same_kernel; print(same_kernel())"


def test_the_threads_are_those_in_force() -> None:
    with threadpoolctl.threadpool_limits(1):
        assert arithmetic().threads == 1
    assert arithmetic().processor


def test_the_kernel_is_that_of_the_core_and_of_numpys_instructions() -> None:
    core = openblas_core()
    assert core is None or f" {core}, numpy " in arithmetic().kernel
    assert kernel_under() == arithmetic().kernel
    other = kernel_under(OPENBLAS_CORETYPE=another_core())
    assert other != arithmetic().kernel and f" {core}, " not in other


@pytest.mark.parametrize(
    "variables",
    [{}, {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL"}, {"NPY_ENABLE_CPU_FEATURES": ""}],
)
def test_a_process_with_the_variables_named_has_the_same_kernel(variables: dict[str, str]) -> None:
    """Also if the driver was told to use fewer instructions than its processor has."""
    variables = variables | {"OPENBLAS_CORETYPE": another_core()}
    done = subprocess.run(
        [sys.executable, "-c", NAMES],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    named = eval(done.stdout)
    assert kernel_under(**named) == kernel_under(**variables) != arithmetic().kernel


def test_a_blas_that_threadpoolctl_does_not_know_is_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threadpoolctl.ThreadpoolController, "info", lambda self: [])
    assert arithmetic().kernel.startswith(f"{UNKNOWN}, numpy ")
    assert arithmetic().threads == 0
    assert "OPENBLAS_CORETYPE" not in same_kernel()


def test_an_outcome_says_what_it_was_computed_with() -> None:
    plan = plan_of(*TINY)
    outcome = outcome_of(run_trial(jobs_of(plan)[0], plan.data))
    here = arithmetic()
    assert (outcome.kernel, outcome.blas_threads) == (here.kernel, here.threads)
    assert outcome.processor == here.processor
