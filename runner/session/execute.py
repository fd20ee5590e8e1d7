"""A plan is carried out: the place held, the executor chosen, progress shown."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.runner.executors.executor import Executor
    from caviar.runner.session.loop import Progress
    from caviar.runner.study.plan import Plan
    from caviar.runner.trial.events import Job


class Where(StrEnum):
    """Where trials run."""

    local = "local"
    ray = "ray"
    inline = "inline"


def execute(plan: Plan, out: str, on: Where, workers: int | None, address: str | None) -> Progress:
    """Run what is left of a plan and say how it went; an interrupt stops it in order."""
    from rich.console import Console

    from caviar.runner.errors import printable
    from caviar.runner.session.interrupt import Interrupt
    from caviar.runner.session.loop import run_study
    from caviar.runner.session.progress_display import Display, line
    from caviar.runner.session.run_folder import held, open_run, remaining, unplanned
    from caviar.runner.store.checkpoints import forget_ended
    from caviar.runner.store.open import storage_at
    from caviar.runner.store.sink import ParquetSink
    from caviar.runner.store.uri import masked

    planned = len(plan.trials)  # each is checked here, before anything is written
    place = storage_at(out)
    interrupt = Interrupt()
    with held(place):
        interrupt.install()  # before the first file: from here on, no request to stop is lost
        if place.rival:
            print(f"takes over {place.where} from {place.rival}")
        open_run(place, plan, " ".join(["caviar", *map(masked, sys.argv[1:])]))
        forget_ended(place)
        sink = ParquetSink(place)
        sink.plan(unplanned(place, plan))
        jobs = remaining(place, plan)
        already = planned - len(jobs)
        if already:
            print(f"resuming {printable(place.where)}: {already} of {planned} trials are done")
        executor = _executor(plan, jobs, on, workers, address)
        interrupt.install()  # again: ray.init() has handlers of its own
        display = Display(Console())
        try:
            progress = run_study(
                jobs, executor, sink, display, already=already, stop=lambda: interrupt.asked
            )
            # Before the workers are stopped, which may take longer than `ray job stop` waits.
            sink.close()
        finally:
            display.close()
            executor.close()
    interrupt.release()
    print(line(progress))
    return progress


def _executor(
    plan: Plan, jobs: list[Job], on: Where, workers: int | None, address: str | None
) -> Executor:
    from caviar.runner.executors.inline import InlineExecutor
    from caviar.runner.executors.processes import LocalExecutor

    if on is Where.inline or not jobs:
        return InlineExecutor(plan.data)
    if on is Where.ray:
        from caviar.runner.executors.ray_actors import RayExecutor

        return RayExecutor(plan.data, workers, address)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return LocalExecutor(plan.data, min(workers or cores or 1, len(jobs)))
