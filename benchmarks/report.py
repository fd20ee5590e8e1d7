"""Seconds and memory from ten million rows on disk to the report.

A study of eight ghost sizes, 16 learning rates and 20 seeds, measured 20 times in training under
30 running averages in two layers, with invented values: the real sink writes it, then a fresh
process does what `caviar report` does. Peak is the most memory that this process has held until
then, libraries included.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from caviar.runner.cli.report import written
from caviar.runner.config import TrialConfig
from caviar.runner.session.run_folder import open_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.schemas import ROW_TABLES
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import Block, Outcome


class Sizes(NamedTuple):
    """Norm batch sizes, draws and seeds of the study; evaluations and curve rows per seed."""

    norm_batch_sizes: tuple[int, ...]
    draws: int
    seeds: int
    evaluations: int
    curve_rows: int


FULL = Sizes((4, 8, 16, 32, 64, 128, 256, 512), 16, 20, evaluations=20, curve_rows=250)
QUICK = Sizes((8, 64, 512), 2, 4, evaluations=2, curve_rows=5)

STUDY = (
    "batch_size=512",
    "learning_rate={ scale = 'log_uniform', low = 0.01, high = 0.3 }",
    "hidden=[128, 128]",
    "conventions=['biased', 'unbiased', 'debiased']",
    "decay=0.9",
    "decays=[0.0, 0.5, 0.7, 0.8, 0.95, 0.98, 0.99, 0.995, 0.999]",
    "probe_batch_sizes=[4, 8, 16, 32, 64, 128, 256, 512]",
)
OF_NETWORK = ("noise_penalty", "external_penalty", "self_influence", "predicted_self_influence")
OF_GRADIENT = ("partition_variance", "gradient_variance")


def plan(sizes: Sizes) -> Plan:
    """The trials of the study."""
    settings = (
        f"norm_batch_size={list(sizes.norm_batch_sizes)}",
        f"replicas={sizes.seeds}",
        f"draws.count={sizes.draws}",
    )
    return make_plan(read_study(None, [*STUDY, *settings]), None)


def shapes(config: TrialConfig) -> dict[str, list[tuple[Any, ...]]]:
    """For every table, the keys of what is measured each time, beside seed and step."""
    trackers = [f"{rule}/{d!r}" for rule in config.conventions for d in (0.9, *config.decays)]
    kinds = [(kind, "") for kind in ("population", "batch", "precise", "evalnorm")]
    kinds += [("running", tracker) for tracker in trackers]
    layers, m = ["norm1", "norm2"], config.norm_batch_size
    splits = ["train", "validation", "test"]
    return {
        "curves": [()],
        "evaluations": [(split, *kind, m) for split, kind in product(splits, kinds)],
        "statistics": list(product(layers, trackers)),
        "noise": list(product([*layers, "network"], config.probe_batch_sizes)),
    }


def block(
    config: TrialConfig,
    table: str,
    shape: list[tuple[Any, ...]],
    times: int,
    generator: np.random.Generator,
) -> Block:
    """All rows of one table of a trial: keys as a trial sends them, values around 1/m."""
    seeds, each = np.array(config.seeds), len(shape)
    rows = len(seeds) * times * each
    columns: dict[str, Any] = {
        "seed": np.repeat(seeds, times * each),
        "step": np.tile(np.repeat(np.arange(1, times + 1) * 10, each), len(seeds)),
    }
    names = [n for n in ROW_TABLES[table].names if n not in ("trial_id", "attempt", *columns)]
    keys = len(shape[0])
    for name, values in zip(names[:keys], zip(*shape, strict=True), strict=True):
        columns[name] = list(values) * (rows // each)
    size = config.norm_batch_size or config.batch_size
    for name in names[keys:]:
        columns[name] = np.exp(generator.normal(0.0, 0.1, rows)) / size
    if table == "evaluations":
        columns["examples"] = np.full(rows, 1024)
        columns["mislabelled"] = np.zeros(rows, int)
        columns["loss"] += 0.1 * np.isin(columns["statistics"], ["batch", "running"]) + 0.2
    if table == "noise":
        columns["batches"] = np.full(rows, 64)
        network = np.array(columns["layer"]) == "network"
        trained = np.array(columns["norm_batch_size"]) == size
        for name in names[keys + 1 :]:
            measured = network == (name in OF_NETWORK + OF_GRADIENT)
            measured &= trained | (name not in OF_GRADIENT)
            columns[name] = np.where(measured, columns[name], np.nan)
    return Block(config.trial_id, 0, table, columns)


def write(root: Path, sizes: Sizes) -> int:
    """Write the whole run through the real sink; return the number of measured rows."""
    of_study, generator, total = plan(sizes), np.random.default_rng(0), 0
    open_run(storage_at(root), of_study, "invented")
    sink = ParquetSink(storage_at(root))
    sink.plan(of_study.trials)
    for config in of_study.trials:
        blocks = []
        for table, shape in shapes(config).items():
            times = sizes.curve_rows if table == "curves" else sizes.evaluations
            blocks.append(block(config, table, shape, times, generator))
        for one in blocks:
            sink.write(one)
        rows = sum(one.rows for one in blocks)
        sink.commit(Outcome(config.trial_id, 0, "completed", seconds=60, steps=200, rows=rows))
        total += rows
    sink.close()
    return total


def timed(name: str, who: int, work: Callable[[], Any]) -> Any:
    """Do the work and print its wall and CPU seconds and the most memory `who` has held."""
    wall, cpu = time.perf_counter(), cpu_seconds(who)
    result = work()
    wall, cpu = time.perf_counter() - wall, cpu_seconds(who) - cpu
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(who).ru_maxrss * unit / 1e9
    print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:.2f} |", flush=True)
    return result


def cpu_seconds(who: int) -> float:
    """User and system CPU seconds so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def stages(root: str) -> None:
    """Do what `caviar report` does, and print each stage."""
    lines = written(root)
    timed("read, compute, verify", resource.RUSAGE_SELF, lambda: next(lines))
    (page,) = timed("draw and write the page", resource.RUSAGE_SELF, lambda: list(lines))
    assert page.startswith("report: "), page


def report(root: str) -> None:
    """Print the stages of a fresh process, and that process as a whole."""
    print("| stage | wall (s) | CPU (s) | peak (GB) |")
    print("| --- | ---: | ---: | ---: |", flush=True)
    command = [sys.executable, __file__, "--stages", root]
    whole = "`caviar report`, with its start"
    timed(whole, resource.RUSAGE_CHILDREN, lambda: subprocess.run(command, check=True))


def main() -> None:
    """Write a run and report it; given a run's folder, only report it."""
    parser = machine.parser(__doc__)
    parser.add_argument("run", nargs="?", help="report this run; default: write one and report it")
    parser.add_argument("--stages", action="store_true", help="report in this process")
    arguments = parser.parse_args()
    if arguments.stages:
        return stages(arguments.run)
    print(machine.describe())
    if arguments.run:
        return report(arguments.run)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        total = write(Path(folder), QUICK if arguments.quick else FULL)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).glob("*/part-*.parquet")) / 2**20
        print(f"{total:,} rows, {size:,.0f} MiB of Parquet, written in {seconds:.0f} s\n")
        report(folder)


if __name__ == "__main__":
    main()
