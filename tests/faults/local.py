"""Studies on local worker processes that send checkpoints often, and how to hurt the workers."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from caviar.runner.executors.executor import RunTrial
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.session.loop import Progress, run_study
from caviar.runner.session.run_folder import open_run, remaining, unplanned
from caviar.runner.store.checkpoints import forget_ended
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Block, Event, Job, Started, WorkerDied
from tests.faults.injections import Fault
from tests.faults.workers import runs
from tests.runner.forked import forked_worker, local_workers
from tests.runner.helpers import DIGITS, nothing

PAIR = (*DIGITS, "budget={ steps = 120 }", "evaluations=6", "curve_rows=24", "draws.count=1")
"""Two trials on the digits, each of six times the steps between two checkpoints."""

Observe = Callable[[Progress, Event], None]


def session(
    root: Path,
    plan: Plan,
    run: RunTrial = runs,
    observe: Observe = nothing,
    *,
    workers: int = 2,
) -> Progress:
    """One `caviar run` with workers that do `run`; no workers: in this process."""
    place = LocalFolder(root)
    with place.hold():
        open_run(place, plan, "test")
        forget_ended(place)
        sink = ParquetSink(place, max_seconds=0.0)
        sink.plan(unplanned(place, plan))
        jobs = remaining(place, plan)
        executor = (
            LocalExecutor(plan.data, workers, run, forked_worker)
            if workers
            else InlineExecutor(plan.data)
        )
        try:
            progress = run_study(jobs, executor, sink, observe)
        finally:
            executor.close()
        sink.close()
    return progress


def kill_workers(number: signal.Signals) -> int:
    """Send every worker the signal; returns the number of workers."""
    children = local_workers()
    for pid in children:
        os.kill(pid, number)
    return len(children)


class Watched:
    """Counts what every attempt sent, and the time from a death to the trial's next start."""

    def __init__(self, fault: Fault) -> None:
        self.rows: Counter[tuple[str, int]] = Counter()
        self.first_step: dict[tuple[str, int], int] = {}
        self.reasons: defaultdict[str, list[str]] = defaultdict(list)
        self.notes: list[str] = []
        self.going_on: dict[tuple[str, int], Job] = {}
        self._fault = fault
        self._died: dict[str, float] = {}

    def __call__(self, progress: Progress, event: Event) -> None:
        self.notes += progress.notes
        progress.notes.clear()
        match event:
            case Block():
                who = (event.trial_id, event.attempt)
                self.rows[who] += event.rows
                first = min(event.columns["step"])
                self.first_step[who] = min(first, self.first_step.get(who, first))
            case WorkerDied(job):
                self.reasons[job.trial_id].append(event.reason)
                self._died[job.trial_id] = time.monotonic()
            case Started() if event.trial_id in self._died:
                self._fault.recovered(time.monotonic() - self._died.pop(event.trial_id))
