"""What a run will write and need: rows, disk, memory and time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from caviar.runner.forecast.disk import bytes_of
from caviar.runner.forecast.memory import Memory, memory_of_trial
from caviar.runner.forecast.place import Outlook, amount, in_words
from caviar.runner.forecast.rows import laid, rows_of_plan, rows_of_trial
from caviar.runner.forecast.timing import seconds_at_once, seconds_of_run, seconds_of_trials
from caviar.runner.session.progress_display import duration
from caviar.runner.study.plan import Plan
from caviar.runner.trial.kernels import TrainingPath

ON = {
    TrainingPath.numpy: "in NumPy",
    TrainingPath.compiled: "on compiled kernels where trials have them",
}


class Forecast(NamedTuple):
    """Rows by table, bytes of all tables, the memory of the worker that needs most, and seconds
    with `workers` of them on a path: for all trials, and for those that are left (0 where all are
    done, None where a run has none yet); None where a trial does not fit into this machine's
    memory. `worker_seconds` are those in which the trials that would run train, of all workers
    together."""

    rows: dict[str, int]
    disk: float
    memory: Memory
    workers: int
    path: TrainingPath
    seconds: float | None
    left_seconds: float | None = None
    worker_seconds: float | None = None


def forecast(
    plan: Plan,
    workers: int,
    path: TrainingPath,
    clock: Callable[[], float],
    left: Collection[str] | None = None,
) -> Forecast:
    """Compute what follows from the plan, and time real steps for about two seconds of `clock`.

    `left`: the identities of the trials that a run still needs, or None if it needs all."""
    trials = [laid(config, plan.data) for config in plan.sample]
    rows = rows_of_plan(plan, {t.config.trial_id: rows_of_trial(t) for t in trials})
    shadow = any(trial.config.shadow for trial in trials)
    memory = max((memory_of_trial(trial, plan.data) for trial in trials), key=lambda m: m.in_all)
    seconds = left_seconds = in_all = None
    if memory.in_all < _memory_of_this_machine():
        each = seconds_of_trials(trials, plan.data, path, clock)
        seconds = seconds_of_run(plan, each, workers)
        in_all = sum(each) * plan.most / len(each)
        if left is not None:
            further = [s for s, t in zip(each, trials, strict=True) if t.config.trial_id in left]
            in_all = len(left) * sum(further or each) / len(further or each)
            left_seconds = seconds_at_once(further or each, in_all, workers, len(left))
    disk = bytes_of(rows, len(plan.data.classes), shadow)
    return Forecast(rows, disk, memory, workers, path, seconds, left_seconds, in_all)


def _memory_of_this_machine() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def lines(plan: Plan, told: Forecast, place: Outlook) -> list[str]:
    """The forecast in lines of text."""
    about = "" if plan.small else "about "
    tables = ", ".join(f"{table} {rows:,}" for table, rows in told.rows.items() if rows)
    memory, workers = told.memory, f"{told.workers} worker{'s' * (told.workers > 1)}"
    time = (
        "not measured, since a trial needs more memory than this machine has"
        if told.seconds is None
        else f"about {duration(max(1.0, told.seconds))} for all trials with {workers}: an estimate "
        f"from two seconds of real steps {ON[told.path]}, for cores that have nothing else to do"
    )
    if told.left_seconds is not None:
        further = f"about {duration(max(1.0, told.left_seconds))} for those that would run"
        time += f"; {further if told.left_seconds else 'none is left to run'}"
    return [
        f"rows: {about}{sum(told.rows.values()):,} in all: {tables}",
        f"disk: about {amount(told.disk)} of tables, within a factor of two",
        f"memory: about {amount(memory.in_all)} per worker, within a factor of two: "
        f"{amount(memory.program)} for the program, {amount(memory.data)} for the data, "
        f"{amount(memory.state)} for networks and optimiser, and {amount(memory.passing)} while "
        "they train or are measured",
        f"time: {time}",
        f"out: {in_words(place)}",
    ]


def facts(told: Forecast, place: Outlook) -> dict[str, Any]:
    """The same for programs."""
    memory = {f"{name}_bytes": round(size) for name, size in told.memory._asdict().items()}
    return {
        "rows": told.rows,
        "disk_bytes": round(told.disk),
        "memory_per_worker": memory | {"bytes": round(told.memory.in_all)},
        "workers": told.workers,
        "training": told.path,
        "seconds": _rounded(told.seconds),
        "left_seconds": _rounded(told.left_seconds),
        "out": place._asdict(),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
