"""How a run ends: the exit codes of the program, for people and for machines that retry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from caviar.runner.errors import AllDivergedError, InternalError

if TYPE_CHECKING:
    from caviar.runner.session.loop import Progress

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

Tell = Callable[[], int]
"""Tells the answer of a run that finished, and gives the exit code of that."""


def leave(code: int) -> None:
    """End the program with an exit code; return where nothing failed."""
    if code:
        raise SystemExit(code)


def for_people(progress: Progress, tell: Tell) -> None:
    """Leave with the exit code of a run: what was not as wished is a failure."""
    if progress.interrupted:
        leave(INTERRUPTED)
    told = tell()
    leave(FAILED if progress.failed else told)


def for_retries(progress: Progress, tell: Tell) -> None:
    """Leave with the exit code for a machine that runs the command again until it is 0: a failure
    only where that can mend it.

    A trial that failed or diverged is recorded, and would fail or diverge again. One that was lost
    with its machines may complete on others.
    """
    if progress.interrupted:
        leave(INTERRUPTED)
    try:
        tell()
    except (AllDivergedError, InternalError) as error:
        print(f"caviar: {error}", file=sys.stderr)
    leave(FAILED if progress.outcomes["lost"] else DONE)
