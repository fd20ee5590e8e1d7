"""Trials per second of the runner, and of its peers, with trials that do nothing.

Each trial sends 20 rows and an outcome; caviar's driver writes them to Parquet, and a trial counts
once that is on disk. Two workers. The start of the workers (import, spawn, `ray.init`) stands
apart from the steady rate, which is the median of rounds; sides take turns, so that drift hits all
of them alike. Peers that are not installed are named (`pip install optuna 'ray[tune]'`).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # For `python -m benchmarks.orchestration`.
import machine  # isort: skip  # sets the threads before numpy loads
from no_training import ROWS, nothing  # isort: skip

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from peers.orchestration_peers import PEERS, installed

from caviar.runner.data.splits import Data
from caviar.runner.executors.executor import Executor
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.executors.ray_actors import RayExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import Job

WARM = 20
Make = Callable[[Data], Executor]


class Sizes(NamedTuple):
    """Trials of caviar's sides, those of the start included, and how often all are run."""

    trials: tuple[int, ...]
    rounds: int


FULL = Sizes((2_020, 100_020), rounds=3)
QUICK = Sizes((120,), rounds=1)


class Measured(NamedTuple):
    """Seconds until the first `WARM` trials are done, trials per second after them, and how many
    KiB the driver grew by per trial."""

    start: float
    rate: float
    growth: float


def measure(make: Make, plan: Plan) -> Measured:
    """A plan on one executor, to its last file."""
    before = _peak()
    jobs = [Job(config, config.trial_id, 0) for config in plan.trials]
    with tempfile.TemporaryDirectory() as folder:
        sink = ParquetSink(storage_at(Path(folder)))
        start = time.perf_counter()
        executor = make(plan.data)
        try:
            run_study(jobs[:WARM], executor, sink, lambda progress, event: None)
            ready = time.perf_counter()
            run_study(jobs[WARM:], executor, sink, lambda progress, event: None)
            sink.close()
            end = time.perf_counter()
        finally:
            executor.close()
    return Measured(
        ready - start, (len(jobs) - WARM) / (end - ready), (_peak() - before) / len(jobs)
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def plan_of(trials: int) -> Plan:
    """Trials that differ in their learning rate."""
    study = read_study(None, ["learning_rate={scale='uniform',low=0.1,high=1}"])
    return make_plan(study, trials)


OURS: dict[str, Make] = {
    "inline": lambda data: InlineExecutor(data, nothing),
    "local, 2 processes": lambda data: LocalExecutor(data, 2, nothing),
    "Ray, 2 actors": lambda data: RayExecutor(data, 2, None, nothing),
}


def of_caviar(sizes: Sizes) -> list[dict[str, Any]]:
    """Every size on every executor."""
    figures = []
    for trials in sizes.trials:
        plan = plan_of(trials)
        rounds: dict[str, list[Measured]] = {name: [] for name in OURS}
        for _ in range(sizes.rounds if trials == sizes.trials[0] else 1):
            for name, make in OURS.items():
                rounds[name].append(measure(make, plan))
        for name, measured in rounds.items():
            start, rate = (statistics.median(m[i] for m in measured) for i in (0, 1))
            figures.append(
                {
                    "side": f"caviar, {name}",
                    "trials": trials - WARM,
                    "start_seconds": start,
                    "per_second": rate,
                    "kib_per_trial": measured[0].growth,
                }
            )
    return figures


def of_peers(quick: bool, rounds: int) -> list[dict[str, Any]]:
    """Those that are installed."""
    here = [peer for peer in PEERS if installed(peer.module)]
    rates: dict[str, list[float]] = {peer.name: [] for peer in here}
    for _ in range(rounds):
        for peer in here:
            rates[peer.name].append(peer.rate(peer.quick if quick else peer.trials))
    return [
        {
            "side": peer.name,
            "trials": peer.quick if quick else peer.trials,
            "per_second": statistics.median(rates[peer.name]),
        }
        for peer in here
    ]


def main() -> None:
    """Print the table; with `--json FILE`, write every figure too."""
    parser = machine.parser(__doc__)
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    missing = sorted({peer.module for peer in PEERS if not installed(peer.module)})
    print(f"{machine.describe()}\nnot installed: {', '.join(missing) or 'none'}")
    print(f"trials of {ROWS} rows; two workers; median of {sizes.rounds} rounds\n")
    figures = [*of_caviar(sizes), *of_peers(arguments.quick, sizes.rounds)]
    print("| side | trials | start (s) | trials per second | driver, KiB per trial |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for figure in figures:
        start, growth = (figure.get(name) for name in ("start_seconds", "kib_per_trial"))
        cells = [f"{value:.1f}" if value is not None else "–" for value in (start, growth)]
        print(
            f"| {figure['side']} | {figure['trials']:,} | {cells[0]} | "
            f"{figure['per_second']:,.0f} | {cells[1]} |"
        )
    if arguments.json is not None:
        first = {figure["side"]: figure["per_second"] for figure in reversed(figures)}
        whole = {
            "local_per_second": first["caviar, local, 2 processes"],
            "ray_per_second": first["caviar, Ray, 2 actors"],
        }
        arguments.json.write_text(json.dumps({**whole, "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
