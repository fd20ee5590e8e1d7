"""How long a run will take: real steps of its smallest and its largest trial, and arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from caviar.model.steps.random_streams import streams
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import measured
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.forecast.rows import Laid
from caviar.runner.session.loop import STEP_COST
from caviar.runner.study.plan import Plan
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.measurement_schedule import expected, shadow_cost
from caviar.runner.trial.run_trial import Trainer, path_of

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


class Alike(NamedTuple):
    """What steps differ by besides their size: what trains them, the norm, and what else is done.

    An arm that draws noise in every step takes two or three times as long as batch norm of the
    same shape, so neither says how long the other takes.
    """

    path: TrainingPath
    norm: str
    optimizer: str
    ghosts: str
    dropout: bool
    company: bool


def alike(trial: Laid, path: TrainingPath) -> Alike:
    """The trials by which the time of this one is told, in a run on `path`."""
    config = trial.config
    taken, _ = path_of(path, trial.training)
    more = config.dropout > 0, trial.training.company > 0
    return Alike(taken, config.norm, config.optimizer, config.ghosts, *more)


def seconds_of_trials(
    trials: Sequence[Laid], data: Data, path: TrainingPath, clock: Clock
) -> list[float]:
    """The expected time of each trial of a run on `path`, on one core, from real steps of it.

    Trials of one kind are measured apart from those of another.
    """
    kinds = [alike(trial, path) for trial in trials]
    by_kind: dict[Alike, list[Laid]] = {}
    for kind, trial in zip(kinds, trials, strict=True):
        by_kind.setdefault(kind, []).append(trial)
    on_kernels = [some[0] for kind, some in by_kind.items() if kind.path is TrainingPath.compiled]
    _load_kernels(on_kernels, data)
    seconds = SECONDS / len(by_kind)
    known = {
        kind: calibrated(some, data, kind.path, seconds, clock) for kind, some in by_kind.items()
    }
    return [seconds_of_trial(t, data, known[kind]) for t, kind in zip(trials, kinds, strict=True)]


def _load_kernels(trials: Sequence[Laid], data: Data) -> None:
    """Have the kernels of these trials in this process, so that loading them is not timed."""
    if trials:
        from caviar.model.kernels.readiness import make_ready

        for dtype in sorted({trial.config.dtype for trial in trials}):
            trainings = [trial.training for trial in trials if trial.config.dtype == dtype]
            make_ready(trainings, data.features.dtype, dtype)


def calibrated(
    trials: Sequence[Laid], data: Data, path: TrainingPath, seconds: float, clock: Clock
) -> Calibrated:
    """Real steps and measurements of the trials with the cheapest and the dearest step."""
    costs = [step_cost(trial, data) for trial in trials]
    ends = [costs.index(end(costs)) for end in (min, max)]
    each = seconds / len(set(ends))
    paces = {end: pace_of(trials[end], data, path, each, clock) for end in dict.fromkeys(ends)}
    low, high = ends
    return Calibrated((costs[low], costs[high]), (paces[low], paces[high]))


def pace_of(trial: Laid, data: Data, path: TrainingPath, seconds: float, clock: Clock) -> Pace:
    """The pace of one trial on `path`, measured for about `seconds`.

    Measurements are expected in training passes; where they would take longer than that, they are
    taken to cost what is expected.
    """
    config, training, sizes = trial
    splits = make_splits(data, config)
    taken, trainer = path_of(path, training)
    step, snapshot = _steps(trainer, training, splits, seconds / 2, clock)
    units = expected(training.probes, config, sizes)
    passes = units.whole / (sizes.step * config.partitions)
    if step * passes > seconds:
        return Pace(step, 1.0)
    moment = frozenset({snapshot.step})
    probes = replace(training.probes, evaluation_steps=moment, probe_steps=moment)
    generators = streams(training.seeds, "probe")
    began = clock()
    _measuring(taken)(replace(training, probes=probes), splits, snapshot.state, generators)
    return Pace(step, (clock() - began) / (step * passes))


def _measuring(path: TrainingPath) -> Callable[..., object]:
    """What measures on a path, at once."""
    if path is TrainingPath.numpy:
        return measured
    from caviar.model.kernels.measuring.passes import measured as measured_by_kernels

    return measured_by_kernels


class _Stretch:
    """Steps between two snapshots: one after the trainer's first call, one `seconds` later, or
    once the trial's own steps are done, but after another call at least."""

    def __init__(self, steps: int, seconds: float, clock: Clock) -> None:
        self._steps, self._seconds, self._clock = steps, seconds, clock
        self._asked: list[float] = []
        self.of_a_call = 1

    @property
    def seconds(self) -> float:
        return self._asked[-1] - self._asked[0]

    def ends(self) -> bool:
        self._asked.append(self._clock())
        calls = len(self._asked) - 1
        done = calls * self.of_a_call >= self._steps or self.seconds >= self._seconds
        return calls == 0 or done


def _steps(
    trainer: Trainer, training: Training, splits: Splits, seconds: float, clock: Clock
) -> tuple[float, Snapshot]:
    """Seconds of a step, without the trainer's first call, and the training after the last."""
    none: frozenset[int] = frozenset()
    # A shadow's time is counted apart, by `shadow_cost`.
    bare = replace(training.probes, evaluation_steps=none, probe_steps=none, shadow=False)
    endless = replace(training, steps=UNENDING, probes=bare, curve_steps=none)
    stretch = _Stretch(training.steps, seconds, clock)
    records = trainer(endless, splits, None, stretch.ends, None)
    snapshots = (record for record in records if isinstance(record, Snapshot))
    first = next(snapshots)
    stretch.of_a_call = first.step
    last = next(snapshots)
    return stretch.seconds / (last.step - first.step), last


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
    """The expected time of a run from that of each sampled trial."""
    in_all = sum(seconds) * plan.most / len(seconds)
    return seconds_at_once(seconds, in_all, workers, plan.most)


def seconds_at_once(seconds: Sequence[float], in_all: float, workers: int, trials: int) -> float:
    """The expected time of `trials` that take `in_all`, of which some take `seconds`: no shorter
    than the longest, which no other worker can help with."""
    return max(max(seconds), in_all / min(workers, trials)) if trials else 0.0
