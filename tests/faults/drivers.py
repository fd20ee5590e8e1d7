"""The real program in its own process, with checkpoints as often as a test wants."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.session.pace import Pace
from tests.runner.forked import forked_driver, forked_worker, killed_at_the_end
from tests.runner.helpers import DIGITS, settings_of

STUDY = settings_of(
    [*DIGITS, "budget={ steps = 4200 }", "evaluations=6", "curve_rows=60", "draws.count=2"]
)
"""Four trials with more steps than twenty drivers train that stop at two checkpoints."""

SOON, NEVER = 0.1, 1e9

Driver = subprocess.Popen[str]


@contextmanager
def driving(
    root: Path, study: Sequence[str] = STUDY, seconds: float = SOON, workers: int = 2
) -> Iterator[Driver]:
    """The program, which writes rows and checkpoints sooner or later than usual."""
    pace = Pace(checkpoint_seconds=seconds, checkpoints_per_second=1e12, rows_seconds=seconds)
    carry_out = partial(carried_out, pace=pace, start_process=forked_worker)
    words = ["run", *study, "--no-report", "--workers", str(workers), "--out", str(root)]
    process = forked_driver(carry_out, *words, cwd=Path.cwd())
    with killed_at_the_end(process):
        yield process


def ended(root: Path, study: Sequence[str] = STUDY, workers: int = 2) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program, run to its end."""
    with driving(root, study, workers=workers) as process:
        output, complaints = process.communicate(timeout=300)
    return process.returncode, output, complaints
