"""A worker that starts anew: its environment, and what the driver says where none can start."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.worker_process import environment
from caviar.runner.trial.arithmetic import same_kernel
from tests.runner.helpers import TINY, parts, settings_of, started


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
