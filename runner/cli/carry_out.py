"""Carrying out a plan as the command line says."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

from caviar.runner.errors import printable
from caviar.runner.session.pace import PACE, Pace
from caviar.runner.store.uri import masked

if TYPE_CHECKING:
    from caviar.runner.executors.choice import Where
    from caviar.runner.executors.executor import RunTrial
    from caviar.runner.session.loop import Progress
    from caviar.runner.study.plan import Plan

INTERRUPTED = 130
"""The exit code of a run that was told to stop."""


class CarryOut(Protocol):
    """What `caviar run` does with a plan: `carried_out`, with its trial function and pace."""

    def __call__(
        self,
        plan: Plan,
        root: str,
        on: Where,
        workers: int | None,
        address: str | None,
        accept_other_processor: bool,
    ) -> Progress: ...


def carried_out(
    plan: Plan,
    root: str,
    on: Where,
    workers: int | None,
    address: str | None,
    accept_other_processor: bool = False,
    *,
    trial: RunTrial | None = None,
    pace: Pace = PACE,
) -> Progress:
    """Run the unfinished trials of a plan into a folder or URI, and print the outcome.

    `trial` is what a worker does with a job, by default `run_trial`.
    """
    from caviar.runner.executors.choice import executor_on
    from caviar.runner.session.execute import execute
    from caviar.runner.store.open import storage_at
    from caviar.runner.trial.run_trial import run_trial

    progress = execute(
        plan,
        storage_at(root),
        lambda jobs: executor_on(on, plan.data, jobs, workers, address, trial or run_trial),
        " ".join(["caviar", *map(masked, sys.argv[1:])]),
        # Without another message: at any instant a file is complete or does not exist.
        at_once=lambda: os._exit(INTERRUPTED),
        accept_other_processor=accept_other_processor,
        pace=pace,
    )
    print(printable(f"rows: {masked(root)}"))
    if progress.interrupted:
        print("interrupted: all that was measured is on disk; the same command resumes")
    return progress
