"""Memory of the driver per planned trial, and the processor time of planning one.

Trials do nothing but send 20 rows, in this process. Each size is a process of its own, so that its
peak is its own. What does not grow with the trials (imports, Arrow's and Parquet's buffers) drops
out of the difference between two sizes.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads
from no_training import nothing  # isort: skip

import gc
import itertools
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.run_folder import remaining
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study


class Sizes(NamedTuple):
    """Numbers of trials, each drawn at another learning rate and momentum."""

    trials: tuple[int, ...]


FULL = Sizes((20_000, 50_000, 100_000))
QUICK = Sizes((1_100, 2_200))
DRAWN = [
    f"nuisance.{field}={{scale='uniform',low=0.1,high=0.9}}"
    for field in ("learning_rate", "momentum")
]


class Measured(NamedTuple):
    """KiB in use after each stage, and microseconds of planning per trial."""

    planned: int
    jobs: int
    peak: int
    planning: float


def measured(trials: int) -> Measured:
    """Plan so many trials and run them, in a process that did nothing else."""
    plan = make_plan(read_study(None, DRAWN), trials)
    before, began = _in_use(), time.process_time()
    assert len(plan.trials) == trials
    planning = (time.process_time() - began) / trials * 1e6
    planned = _in_use()
    with tempfile.TemporaryDirectory() as folder:
        storage = storage_at(Path(folder))
        jobs = remaining(storage, plan)
        queued = _in_use()
        sink = ParquetSink(storage)
        progress = run_study(jobs, InlineExecutor(plan.data, nothing), sink, lambda *told: None)
        sink.close()
    assert progress.done == trials
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measured(planned - before, queued - before, peak - before, planning)


def _in_use() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def main(sizes: Sizes) -> None:
    """Print the table: every size, then what the last one takes more than the first."""
    print(machine.describe())
    print("| trials | planning (µs per trial) | plan (KiB) | and its jobs | peak while it runs |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    rows = []
    for trials in sizes.trials:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            rows.append(process.apply(measured, (trials,)))
        took = rows[-1]
        print(
            f"| {trials:,} | {took.planning:.0f} | {took.planned:,} | {took.jobs:,} | "
            f"{took.peak:,} |",
            flush=True,
        )
    for (few, one), (many, other) in itertools.pairwise(zip(sizes.trials, rows, strict=True)):
        each = [(other[i] - one[i]) / (many - few) for i in range(3)]
        print(
            f"\nKiB per trial between {few:,} and {many:,}: plan {each[0]:.2f}, with its jobs "
            f"{each[1]:.2f}, at the peak {each[2]:.2f}"
        )


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
