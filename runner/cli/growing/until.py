"""Adding seeds to a run until the interval of a difference is narrow enough."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np

from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.paired import paired
from caviar.analysis.run.read import Run, read_run
from caviar.analysis.statistics.intervals import FEWEST, Interval, mean_interval
from caviar.runner.cli.growing.looks import Looks
from caviar.runner.cli.growing.schedule import Schedule
from caviar.runner.errors import RequestError
from caviar.runner.session.loop import Progress
from caviar.runner.session.run_folder import STUDY, read_study_json
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan, make_plan

KEY = "until"
"""Key of `study.json`: how seeds were added, and what was seen at each look."""


Carry = Callable[[Plan, bool], Progress]
"""Runs the unfinished trials of a plan; the second says whether seeds may join a run."""


def run_until(
    request: Looks,
    plan: Plan,
    storage: Storage,
    carry: Carry,
    say: Callable[[str], None],
    *,
    extend: bool = False,
) -> Progress:
    """Run a plan, look at the difference, and add seeds until it is known well enough.

    A run that has more seeds than the study begins with goes on at its next look. Stops without a
    look where a session is interrupted or a trial failed. Raises RequestError where the run was
    grown under another plan of looks.
    """
    schedule = Schedule.of(plan.study.replicas, request.most)
    seeds_before = _seeds_before(storage, schedule)
    first = max(schedule.counts[0], seeds_before)
    if first > request.most:
        raise RequestError(
            f"{storage.where!r} has {first} seeds already, more than --most {request.most}; use "
            "another --out"
        )
    counts = sorted({first, *(count for count in schedule.counts if count > first)})
    for count in counts:
        progress = carry(with_seeds(plan, count), extend or count > first)
        if progress.interrupted or progress.failed:
            break
        if count in schedule.counts and _looked(request, schedule, count, storage, say):
            break
    return progress


def with_seeds(plan: Plan, count: int) -> Plan:
    """The same plan with another number of seeds."""
    if count == plan.study.replicas:
        return plan
    return make_plan(plan.study.model_copy(update={"replicas": count}), plan.limit)


def _seeds_before(storage: Storage, schedule: Schedule) -> int:
    """The seeds of the run in a place, 0 where there is none yet."""
    if STUDY not in storage.names(""):
        return 0
    content = read_study_json(storage)
    before = content.get(KEY, {}).get("planned")
    if before is not None and before != list(schedule.counts):
        raise RequestError(
            f"{storage.where!r} was grown with looks at {', '.join(map(str, before))} seeds, and "
            f"the error of its intervals was shared out over them; give the study and --most as "
            "they were, or use another --out"
        )
    return int(content["study"].get("replicas", 0))


def _looked(
    request: Looks, schedule: Schedule, count: int, storage: Storage, say: Callable[[str], None]
) -> bool:
    """Look at the difference, tell and note it; whether no further seeds are wanted."""
    place = schedule.counts.index(count)
    interval = difference(read_run(storage.where), request, schedule.errors[place])
    _note(storage, request, schedule, count, interval)
    half = (interval.high - interval.low) / 2
    say(told(request, schedule, count, interval))
    if half <= request.within:  # Not where nothing is known yet.
        say(
            f"{request.name} took {count} seeds; in 95 % of runs or more the interval at which "
            "they stop holds, although several were looked at. Those of a report are for one look"
        )
        return True
    if not interval.units and count >= FEWEST:
        say(
            f"no seed has a finite {request.quantity} at both sizes, and more would hardly: see "
            "what diverged with `caviar status`, and lower the learning rates"
        )
        return True
    if count == schedule.counts[-1]:
        wide = "the interval is still wider than asked for"
        still = "there is no interval" if math.isnan(half) else wide
        say(f"{count} seeds are the most, and {still}")
    return False


def difference(run: Run, request: Looks, error: float) -> Interval:
    """The mean over seeds of the difference, as answers read it, with an interval of level 1 -
    `error`; raises RequestError where the run does not have it."""
    comparison = comparison_of(run)
    if isinstance(comparison, NoComparison):
        raise RequestError(comparison.why)
    reading, rows = comparison.told_values(request.quantity)
    values = paired(rows, request.quantity, reading)
    if request.size not in values.levels or request.other not in values.levels:
        nothing = float("nan")
        return Interval(nothing, nothing, nothing, 0)
    (place,) = np.flatnonzero(values.levels == request.size)
    by_seed = values.less(request.other).by_seed[place]
    return mean_interval(by_seed, np.random.default_rng(0), level=1 - error)


def told(request: Looks, schedule: Schedule, count: int, interval: Interval) -> str:
    """One look in words."""
    unit = "" if request.quantity == "test_accuracy" else " nats"
    others = f", {interval.units} of them read" if interval.units < count else ""
    place = f"look {schedule.counts.index(count) + 1} of {len(schedule.counts)}"
    head = f"{place}, {count} seeds{others}: "
    if math.isnan(interval.low):
        return (
            f"{head}{request.name} has no interval, which takes {FEWEST} seeds that are read, with "
            "finite values at both sizes"
        )
    half = number((interval.high - interval.low) / 2)
    value = with_interval(interval._asdict(), signed=True)
    return f"{head}{request.name} is {value}{unit}, ± {half}; asked for is ± {request.within:g}"


def _note(
    storage: Storage, request: Looks, schedule: Schedule, count: int, interval: Interval
) -> None:
    """Write into `study.json` how often was looked, and what was seen."""
    with storage.hold():
        content = read_study_json(storage)
        until = content.setdefault(KEY, {"planned": list(schedule.counts), "looks": []})
        values = interval._asdict().items()
        known = {name: None if math.isnan(value) else value for name, value in values}
        look = {"difference": request.name, "within": request.within, "seeds": count, **known}
        until["looks"] = [*(one for one in until["looks"] if one != look), look]
        storage.write(STUDY, json.dumps(content, indent=1).encode())
