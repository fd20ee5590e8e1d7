"""Processes that compute with another kernel than this one, whatever they are told to use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from caviar.runner.trial.arithmetic import openblas_core

ASK = "from caviar.runner.trial.arithmetic import arithmetic; print(arithmetic().kernel)"
FORCE = "import os; os.environ.update({variables!r})"


def kernel_under(**variables: str) -> str:
    """The kernel of a new process with these variables in its environment."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


@cache
def other_core() -> str | None:
    """A core type whose kernel this machine has, but this process does not use."""
    this_core = openblas_core()
    for core in ("Haswell", "Sandybridge", "Prescott") if this_core else ():
        if f" {this_core}, " not in kernel_under(OPENBLAS_CORETYPE=core):
            return core
    return None


def another_core() -> str:
    """The same; the test is skipped where numpy's BLAS has one kernel."""
    return other_core() or pytest.skip("numpy's BLAS has one kernel here")


def forcing(folder: Path, variables: Mapping[str, str]) -> str:
    """A PYTHONPATH with which a process takes these variables, set before numpy is loaded."""
    (folder / "sitecustomize.py").write_text(FORCE.format(variables=dict(variables)))
    return str(folder)
