"""What a checkpoint costs: to make, to read its header, and to check and resume from."""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import statistics
import time
from dataclasses import replace
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np

from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.splits import make_splits
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.build import build
from caviar.runner.trial.checkpoint import Tally, header, pack, unpack


class Sizes(NamedTuple):
    """Checkpoints per network, and the features and hidden widths of every network."""

    rounds: int
    networks: tuple[tuple[int, tuple[int, int]], ...]


FULL = Sizes(7, ((64, (32, 32)), (64, (128, 128)), (784, (256, 256)), (784, (1024, 1024))))
QUICK = Sizes(2, ((64, (32, 32)), (64, (64, 64))))


def measure(features: int, hidden: tuple[int, int], count: int) -> tuple[float, list[float]]:
    """MiB, then median CPU milliseconds of a step, of `pack`, of `header` and of `unpack`."""
    settings = (
        *(f"hidden={list(hidden)}", "optimizer=adam", "replicas=8", "budget={steps=1000}"),
        *("batch_size=256", "norm_batch_size=[16]", "evaluations=1"),
    )
    plan = make_plan(read_study(None, settings), 1)
    config = plan.trials[0]
    noise = np.random.default_rng(0).standard_normal((len(plan.data.labels), features))
    data = replace(plan.data, features=noise)
    tally = Tally(
        rows=0, steps=0, seconds=0.0, probe_seconds=0.0, invariants="passed", diverged=(False,) * 8
    )
    records = train(build(config, data), make_splits(data, config), wanted=lambda: True)
    snapshots = (record for record in records if isinstance(record, Snapshot))
    rounds, size, start = [], 0, time.process_time()
    for snapshot in islice(snapshots, count):
        times = [start, time.process_time()]
        content = pack(snapshot, tally, config.trial_id, 0)
        times.append(time.process_time())
        header(content)
        times.append(time.process_time())
        unpack(content, config, data)
        times.append(time.process_time())
        rounds.append([1e3 * (b - a) for a, b in pairwise(times)])
        size, start = len(content), time.process_time()
    return size / 2**20, [statistics.median(column) for column in zip(*rounds, strict=True)]


def main(sizes: Sizes) -> None:
    """Print the table."""
    print(machine.describe())
    print("8 replicas, batch 256, ghosts of 16, Adam; CPU time\n")
    print("| network | MiB | step (ms) | pack (ms) | header (ms) | unpack (ms) |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for features, hidden in sizes.networks:
        size, times = measure(features, hidden, sizes.rounds)
        name = "-".join(str(width) for width in (features, *hidden, 10))
        print(f"| {name} | {size:.2f} | {' | '.join(f'{t:.2f}' for t in times)} |", flush=True)


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
