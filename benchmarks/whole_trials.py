"""Processor time of whole trials, training and measuring: compiled kernels against NumPy.

    python benchmarks/whole_trials.py --before OTHER/bin/python

runs the same trials also in another environment, one with an older version of the package, and
prints how many times as fast this one is. Every trial is run in a process of its own; sides take
turns, so that drift hits all alike.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

STUDIES = Path(__file__).resolve().parents[1] / "studies"
PLACES = {
    "make_plan": ("caviar.runner.study.plan", "runner.plan"),
    "read_study": ("caviar.runner.study.study_file", "runner.study"),
    "run_trial": ("caviar.runner.trial.run_trial", "runner.trial"),
    "Job": ("caviar.runner.trial.events", "runner.events"),
}
"""Where each name lies now, and where it lay in the first versions."""


class Sizes(NamedTuple):
    """Changes made to every row of the table, and each row's own."""

    changes: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


NORMS = (
    "renorm", "leave-one-out", "other-examples", "stop-gradient", "shift-and-scale-noise",
    "ghost-noise", "drawn-ghost-noise", "layer", "none",
)  # fmt: skip
FULL = Sizes(
    ("draws.count=1",),
    (
        *((f"norm_batch_size=[{m}]",) for m in ("4", "16", "64", "256", '"train"')),
        *(("norm_batch_size=[16]", f"norm={norm}") for norm in NORMS),
        ("norm_batch_size=[16]", "optimizer=adam", "nuisance.learning_rate.high=0.1"),
    ),
)
QUICK = Sizes(("draws.count=1", "budget.epochs=1", "replicas=2"), FULL.rows[1:2])


class Taken(NamedTuple):
    """Seconds of a trial, and the share of them in which it measured."""

    seconds: float
    measuring: float


def named(name: str) -> Any:
    """A name of the version of the package that is installed here."""
    now, before = PLACES[name]
    try:
        module = importlib.import_module(now)
    except ImportError:
        module = importlib.import_module(before)
    return getattr(module, name)


def one_trial(path: str, changes: list[str]) -> Taken:
    """Run the one trial of a study here."""
    plan = named("make_plan")(named("read_study")(STUDIES / "ghost-size.toml", changes))
    more: dict[str, Any] = {}
    if path == "compiled":
        from caviar.runner.session.training_path import compile_for
        from caviar.runner.trial.kernels import TrainingPath, compiled_by

        compiled_by()
        compile_for(plan)
        more["path"] = TrainingPath.compiled
    (trial,) = plan.trials
    began = time.process_time()
    *_, outcome = named("run_trial")(named("Job")(trial, "t", 0, **more), plan.data)
    seconds = time.process_time() - began
    assert outcome.status in ("completed", "diverged"), outcome.error
    return Taken(seconds, outcome.probe_seconds / outcome.seconds)


def elsewhere(python: str, path: str, changes: tuple[str, ...]) -> Taken | None:
    """The same in a new process of an environment; None where its version refuses the study."""
    command = [python, __file__, "--one", path, *changes]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "RequestError" in done.stderr:
        return None
    assert not done.returncode, done.stderr
    return Taken(*json.loads(done.stdout.splitlines()[-1]))


def table(sizes: Sizes, before: str | None) -> None:
    """Print a row for each trial, and the sums of those that every side knows."""
    sides = {"compiled": (sys.executable, "compiled"), "NumPy": (sys.executable, "numpy")}
    if before:
        sides["before"] = (before, "numpy")
    last = list(sides)[-1]
    print(machine.describe())
    heads = " | ".join(f"{name} (s) | measuring" for name in sides)
    print(f"\n| trial | {heads} | {last} / compiled |")
    print("| --- |" + " ---: |" * (2 * len(sides) + 1))
    sums = dict.fromkeys(sides, 0.0)
    for changes in sizes.rows:
        every = {name: elsewhere(*one, sizes.changes + changes) for name, one in sides.items()}
        taken = {name: one for name, one in every.items() if one is not None}
        cells = " | ".join(
            f"{taken[name].seconds:.2f} | {taken[name].measuring:.0%}" if name in taken else "– | –"
            for name in sides
        )
        ratio = "–"
        if len(taken) == len(sides):
            sums = {name: sums[name] + one.seconds for name, one in taken.items()}
            ratio = f"{taken[last].seconds / taken['compiled'].seconds:.1f}"
        print(f"| {' '.join(changes)} | {cells} | {ratio} |", flush=True)
    cells = " | ".join(f"{seconds:.2f} | " for seconds in sums.values())
    print(f"| all | {cells} | {sums[last] / sums['compiled']:.1f} |")


def main() -> None:
    """Print the table, or the figures of one trial as JSON."""
    parser = machine.parser(__doc__)
    parser.add_argument("--before", help="the Python of an environment with an older version")
    parser.add_argument("--one", nargs="+", help="a path and changes of the study: one trial here")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one_trial(given.one[0], given.one[1:])))
    else:
        table(QUICK if given.quick else FULL, given.before)


if __name__ == "__main__":
    main()
