"""How long a run will take: real steps of its smallest and its largest trial, and arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from caviar.model.measurements.at_step import measure
from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.forecast.rows import Laid
from caviar.runner.session.loop import STEP_COST
from caviar.runner.study.plan import Plan
from caviar.runner.trial.measurement_schedule import expected, shadow_cost

SECONDS = 2.0
"""Time for all that is measured, half of it for steps, unless a single step takes longer."""

UNENDING = 10**9
Clock = Callable[[], float]


class Pace(NamedTuple):
    """Seconds of a training step, and the time of measuring as a multiple of what is expected of
    it beside the step's."""

    step: float
    measuring: float


class Calibrated(NamedTuple):
    """The paces of the trials with the cheapest and the dearest step, with those steps' costs."""

    costs: tuple[float, float]
    paces: tuple[Pace, Pace]


def step_cost(trial: Laid, data: Data) -> float:
    """A step in multiply-adds, with what small ghosts and the calls themselves cost."""
    config, training, sizes = trial
    widths = (data.features.shape[1], *config.hidden, len(data.classes))
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    each = weights + 50 * sum(widths) * (1 + 4 / training.norm_batch_size)
    examples = len(config.seeds) * sizes.step * config.partitions
    return float(STEP_COST + examples * each)


def calibrated(trials: Sequence[Laid], data: Data, clock: Clock) -> Calibrated:
    """Real steps and measurements of the trials with the cheapest and the dearest step."""
    costs = [step_cost(trial, data) for trial in trials]
    ends = [costs.index(end(costs)) for end in (min, max)]
    seconds = SECONDS / len(set(ends))
    paces = {end: pace_of(trials[end], data, seconds, clock) for end in dict.fromkeys(ends)}
    low, high = ends
    return Calibrated((costs[low], costs[high]), (paces[low], paces[high]))


def pace_of(trial: Laid, data: Data, seconds: float, clock: Clock) -> Pace:
    """The pace of one trial, measured for about `seconds`."""
    config, training, sizes = trial
    splits = make_splits(data, config)
    step, snapshot = _steps(training, splits, seconds / 2, clock)
    units = expected(training.probes, config, sizes)
    planned = step * units.whole / (sizes.step * config.partitions)
    if planned > seconds:
        return Pace(step, 1.0)
    moment = frozenset({snapshot.step})
    probes = replace(training.probes, evaluation_steps=moment, probe_steps=moment)
    generators = streams(training.seeds, "probe")
    began = clock()
    for _ in measure(replace(training, probes=probes), splits, snapshot.state, generators):
        pass
    return Pace(step, (clock() - began) / planned)


def _steps(
    training: Training, splits: Splits, seconds: float, clock: Clock
) -> tuple[float, Snapshot]:
    """Seconds of a step, the first one left out, and the training after the last; no more steps
    than the trial has, but two at least."""
    none: frozenset[int] = frozenset()
    bare = replace(training.probes, evaluation_steps=none, probe_steps=none)
    begun: list[float] = []

    def enough() -> bool:
        begun.append(clock())
        steps = len(begun) - 1
        return steps > 0 and (steps >= training.steps or begun[-1] - begun[0] >= seconds)

    endless = replace(training, steps=UNENDING, probes=bare, curve_steps=none)
    for record in train(endless, splits, None, enough):
        if isinstance(record, Snapshot):
            return (begun[-1] - begun[0]) / (len(begun) - 1), record
    raise AssertionError("training without end has ended")


def seconds_of_trial(trial: Laid, data: Data, known: Calibrated) -> float:
    """The expected time of a trial on one core."""
    config, training, sizes = trial
    cost = step_cost(trial, data)
    (low, high), (first, last) = known
    way = 0.0 if low == high else math.log(cost / low) / math.log(high / low)
    step = cost * _between(first.step / low, last.step / high, way)
    measuring = _between(first.measuring, last.measuring, way)
    probes, units = training.probes, expected(training.probes, config, sizes)
    light = len(probes.evaluation_steps - probes.probe_steps) * units.light
    every = measuring * (light + len(probes.probe_steps) * units.whole)
    steps = config.steps * (1 + shadow_cost(config, sizes))
    return step * (steps + every / (sizes.step * config.partitions))


def _between(first: float, last: float, way: float) -> float:
    """Geometrically between two values."""
    return math.exp((1 - way) * math.log(first) + way * math.log(last))


def seconds_of_run(plan: Plan, seconds: Sequence[float], workers: int) -> float:
    """The expected time of a run from that of each sampled trial: no shorter than its longest
    trial, which no other worker can help with."""
    in_all = sum(seconds) * plan.most / len(seconds)
    return max(max(seconds), in_all / min(workers, plan.most))
