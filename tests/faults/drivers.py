"""The real program in its own process, with checkpoints as often as a test wants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.runner.helpers import DIGITS, settings_of

STUDY = settings_of(
    [*DIGITS, "budget={ steps = 4200 }", "evaluations=6", "curve_rows=60", "draws.count=2"]
)
"""Four trials with more steps than twenty drivers train that stop at two checkpoints."""

PROGRAM = """
from functools import partial
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.session.pace import Pace
pace = Pace(checkpoint_seconds={seconds}, checkpoints_per_second=1e12, rows_seconds={seconds})
main(partial(carried_out, pace=pace))
"""
"""The program, which writes rows and checkpoints sooner or later than usual."""

SOON, NEVER = 0.1, 1e9

Driver = subprocess.Popen[str]


def words(root: Path, study: Sequence[str], seconds: float, workers: int) -> list[str]:
    program = PROGRAM.format(seconds=seconds)
    return [
        *(sys.executable, "-c", program, "run", *study, "--no-report"),
        *("--workers", str(workers), "--out", str(root)),
    ]


@contextmanager
def driving(
    root: Path, study: Sequence[str] = STUDY, seconds: float = SOON, workers: int = 2
) -> Iterator[Driver]:
    process = subprocess.Popen(
        words(root, study, seconds, workers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(root: Path, study: Sequence[str] = STUDY, workers: int = 2) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program, run to its end."""
    with driving(root, study, workers=workers) as process:
        output, complaints = process.communicate(timeout=300)
    return process.returncode, output, complaints
