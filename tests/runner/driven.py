"""The program in a process that starts anew, which a test may kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.runner.forked import killed_at_the_end
from tests.runner.helpers import TINY, settings_of

ROOT = Path(__file__).parents[2]
STUDY = settings_of(TINY)

PROGRAM = """
from functools import partial
from pathlib import Path
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.session.pace import Pace
from tests.runner import workers
main(partial(carried_out, trial={run}, pace=Pace(rows_seconds=0.1)))
"""


@contextmanager
def driving(uri: str, run: str) -> Iterator[subprocess.Popen[str]]:
    """The program with workers that do `run`; forked, it could not use Arrow's S3 client."""
    words = ["run", *STUDY, "--no-report", "--workers", "2", "--out", uri]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(run=run), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with killed_at_the_end(process):
        yield process
