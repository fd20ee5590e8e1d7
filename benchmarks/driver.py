"""How many workers keep the one driver, the only writer, busy all the time.

Real trials are measured once: every event with the moment it came and its bytes as a pipe or Ray
carries them. Then the driver's loop and sink receive the events of many simulated workers that
run such trials one after the other, in the order of the simulated clock and as fast as the driver
takes them: unpickling, tables, part files and checkpoints are real. The share of the simulated time
that the driver needs says how many workers it can serve. All of it is processor time, so that other
programs of the machine count little. Ray's own work of carrying the bytes is not in it;
`streams.py` measures that.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import heapq
import pickle
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from caviar.runner.session.loop import run_study
from caviar.runner.session.pace import PACE
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import Checkpoint, Event, Job
from caviar.runner.trial.run_trial import run_trial


class Sizes(NamedTuple):
    """The settings of each kind of trial, and the numbers of workers that run it."""

    kinds: dict[str, list[str]]
    workers: tuple[int, ...]


FULL = Sizes(
    kinds={
        "quickstart": [],
        "quickstart, 20 times the steps": ["budget={ steps = 3200 }"],
        "64-256-256-10, Adam, 15 times the steps": [
            "hidden=[256, 256]",
            "optimizer=adam",
            "learning_rate=0.001",
            "budget={ steps = 2400 }",
        ],
    },
    workers=(100, 1000, 4000),
)
QUICK = Sizes(kinds={"quickstart, 20 steps": ["budget={ steps = 20 }"]}, workers=(5, 20))
TRIALS_PER_WORKER = 3


class Timed(NamedTuple):
    """An event of a measured trial, and the seconds since the trial began."""

    seconds: float
    pickled: bytes
    is_checkpoint: bool


class Replay:
    """An executor of simulated workers on a simulated clock; `now` is in seconds."""

    def __init__(self, script: list[Timed], workers: int) -> None:
        self.workers = workers
        self.now = 0.0
        self._script = script
        self._queue: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        self._queue.append(job)

    def events(self) -> Iterator[Event]:
        # Trials begin at different moments, as they do on workers that have run for a while.
        length, last = self._script[-1].seconds, 0.0
        first = self._script[0].seconds
        due = []
        jobs: dict[int, Job] = {}
        for worker in range(min(self.workers, len(self._queue))):
            jobs[worker] = self._queue.popleft()
            began = length * worker / self.workers
            due.append((began + first, worker, began, 0))
        heapq.heapify(due)
        while due:
            self.now, worker, began, index = heapq.heappop(due)
            job, timed = jobs[worker], self._script[index]
            if not timed.is_checkpoint or self.now - last >= 1 / PACE.checkpoints_per_second:
                last = self.now if timed.is_checkpoint else last
                event = pickle.loads(timed.pickled)
                yield replace(event, trial_id=job.trial_id, attempt=job.attempt)
            if index + 1 < len(self._script):
                then = began + self._script[index + 1].seconds
                heapq.heappush(due, (then, worker, began, index + 1))
            elif self._queue:
                jobs[worker] = self._queue.popleft()
                heapq.heappush(due, (self.now + first, worker, self.now, 0))

    def close(self) -> None: ...


def measured(settings: list[str]) -> tuple[Job, list[Timed]]:
    """A real trial of the quickstart with these settings, by its events."""
    plan = make_plan(read_study(None, settings), 1)
    job = Job(plan.trials[0], plan.trials[0].trial_id, 0, None, PACE.checkpoint_seconds)
    script, began = [], time.process_time()
    for event in run_trial(job, plan.data, clock=time.process_time):
        sent = pickle.dumps(event)
        script.append(Timed(time.process_time() - began, sent, isinstance(event, Checkpoint)))
    return job, script


def drive(job: Job, script: list[Timed], workers: int, folder: Path) -> tuple[float, float, int]:
    """Seconds of the driver, simulated seconds, and rows written."""
    jobs = [replace(job, trial_id=f"{i:012x}") for i in range(workers * TRIALS_PER_WORKER)]
    replay = Replay(script, workers)
    # The sink flushes by the clock of the simulation, as often as it would in a real run.
    sink = ParquetSink(storage_at(folder), clock=lambda: replay.now)
    began = time.process_time()
    progress = run_study(jobs, replay, sink, lambda progress, event: None)
    sink.close()
    assert progress.done == len(jobs)
    return time.process_time() - began, replay.now, progress.rows


def main(sizes: Sizes) -> None:
    """Print the table."""
    print(machine.describe())
    head = ["trial", "seconds", "workers", "driver busy", "trials/s at most", "rows/s at most"]
    head += ["full at workers", "peak GiB"]
    print(f"| {' | '.join(head)} |\n| --- |{' ---: |' * (len(head) - 1)}")
    for kind, settings in sizes.kinds.items():
        job, script = measured(settings)
        for workers in sizes.workers:
            with tempfile.TemporaryDirectory() as folder:
                busy, seconds, rows = drive(job, script, workers, Path(folder))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            trials = workers * TRIALS_PER_WORKER
            print(
                f"| {kind} | {script[-1].seconds:.1f} | {workers:,} | {busy / seconds:.1%} | "
                f"{trials / busy:,.0f} | {rows / busy:,.0f} | {workers * seconds / busy:,.0f} | "
                f"{peak:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
