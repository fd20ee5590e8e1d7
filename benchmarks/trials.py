"""Trials per second of the runner with trials that do nothing, rows and Parquet included.

Each trial sends 20 rows and an outcome; the driver writes them. First the start of the workers
(import, spawn, `ray.init`), then the steady rate.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads
from no_training import ROWS, nothing  # isort: skip

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from caviar.runner.data.splits import Data
from caviar.runner.executors.executor import Executor
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import Job

WARM = 20


class Sizes(NamedTuple):
    """Number of trials, those of the start included, and how often all are run."""

    trials: int
    rounds: int


FULL = Sizes(2020, rounds=3)
QUICK = Sizes(60, rounds=1)


def measure(make: Callable[[Data], Executor], data: Data, jobs: list[Job]) -> tuple[float, float]:
    """Seconds until the first `WARM` trials are finished, and trials per second after that."""
    with tempfile.TemporaryDirectory() as folder:
        sink = ParquetSink(storage_at(Path(folder)))
        start = time.perf_counter()
        executor = make(data)
        try:
            run_study(jobs[:WARM], executor, sink, lambda progress, event: None)
            ready = time.perf_counter()
            run_study(jobs[WARM:], executor, sink, lambda progress, event: None)
            sink.close()
            end = time.perf_counter()
        finally:
            executor.close()
    return ready - start, (len(jobs) - WARM) / (end - ready)


def main(sizes: Sizes) -> None:
    """Print the table: medians of rounds."""
    study = read_study(None, ["learning_rate={scale='uniform',low=0.1,high=1}"])
    plan = make_plan(study, sizes.trials)
    jobs = [Job(config, config.trial_id, 0) for config in plan.trials]
    sides: dict[str, Callable[[Data], Executor]] = {
        "inline": lambda data: InlineExecutor(data, nothing),
        "local, 2 processes": lambda data: LocalExecutor(data, 2, nothing),
        "Ray, 2 actors": lambda data: RayExecutor(data, 2, None, nothing),
    }
    print(machine.describe())
    print(f"{len(jobs) - WARM} trials of {ROWS} rows each, written to Parquet\n")
    print("| executor | start (s) | trials per second |")
    print("| --- | ---: | ---: |")
    for name, make in sides.items():
        rounds = [measure(make, plan.data, jobs) for _ in range(sizes.rounds)]
        start = statistics.median(begun for begun, _ in rounds)
        steady = statistics.median(rate for _, rate in rounds)
        print(f"| {name} | {start:.1f} | {steady:,.0f} |", flush=True)


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
