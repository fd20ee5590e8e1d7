"""The time of a run is forecast from real steps by arithmetic alone; the clock is a value."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from caviar.model.layers import Dense
from caviar.model.records import Record
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.forecast import timing
from caviar.runner.forecast.rows import Laid, laid
from caviar.runner.forecast.timing import (
    Calibrated,
    Pace,
    alike,
    calibrated,
    pace_of,
    seconds_at_once,
    seconds_of_run,
    seconds_of_trial,
    seconds_of_trials,
    step_cost,
)
from caviar.runner.study.plan import Plan
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.measurement_schedule import expected
from caviar.runner.trial.run_trial import Trainer
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(
    *TINY[:1],
    *("replicas=2", "budget.epochs=2", "draws.count=1"),
    "fixed={ batch_size = 16, norm_batch_size = 4, evaluations = 1, probe_batch_sizes = [4, 16] }",
    "scientific={ hidden = [[4], [64], [16]] }",
)
TRIALS = [laid(trial, PLAN.data) for trial in PLAN.trials]
COSTS = [step_cost(trial, PLAN.data) for trial in TRIALS]


class Ticking:
    """A clock that goes on by one tick whenever it is asked."""

    def __init__(self, tick: float) -> None:
        self.ticks = itertools.count()
        self.tick = tick

    def __call__(self) -> float:
        return next(self.ticks) * self.tick


def test_steps_and_measurements_are_timed_alone() -> None:
    trial = TRIALS[0]
    pace = pace_of(trial, PLAN.data, TrainingPath.numpy, 100.0, Ticking(0.25))
    assert pace.step == 0.25
    units = expected(trial.training.probes, trial.config, trial.sizes)
    planned = 0.25 * units.whole / trial.sizes.step
    assert pace.measuring == pytest.approx(0.25 / planned)


def test_what_takes_longer_than_the_calibration_may_is_not_tried() -> None:
    clock = Ticking(1000.0)
    pace = pace_of(TRIALS[0], PLAN.data, TrainingPath.numpy, 1.0, clock)
    assert pace == Pace(1000.0, 1.0)
    assert next(clock.ticks) == 2  # Before and after one step.


def test_a_short_trial_is_timed_over_no_more_steps_than_it_has() -> None:
    clock = Ticking(1e-9)
    pace_of(TRIALS[0], PLAN.data, TrainingPath.numpy, 1.0, clock)
    assert next(clock.ticks) == TRIALS[0].config.steps + 1 + 2


def by_fives(
    training: Training,
    splits: Splits,
    start: Snapshot | None,
    wanted: Callable[[], bool],
    until: int | None,
) -> Iterator[Record]:
    """Trains as kernels do: a snapshot can follow only after a call of several steps."""
    asked = itertools.count(1)
    return train(training, splits, start, lambda: next(asked) % 5 == 0 and wanted(), until)


@pytest.fixture
def in_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that train five steps per call, of all networks but those of 16 units."""

    def path_of(path: TrainingPath, training: Training) -> tuple[TrainingPath, Trainer]:
        if path is TrainingPath.numpy or training.network.layers[0][1] == Dense(16, bias=False):
            return TrainingPath.numpy, train
        return path, by_fives

    monkeypatch.setattr(timing, "path_of", path_of)


@pytest.mark.usefixtures("in_calls")
def test_a_step_is_timed_on_the_path_of_the_run_and_measuring_in_numpy() -> None:
    trial = TRIALS[0]
    units = expected(trial.training.probes, trial.config, trial.sizes)
    pace = pace_of(trial, PLAN.data, TrainingPath.compiled, 100.0, Ticking(0.25))
    assert pace.step == 0.25 / 5
    assert pace.measuring == pytest.approx(0.25 / (pace.step * units.whole / trial.sizes.step))
    not_tried = pace_of(trial, PLAN.data, TrainingPath.compiled, 1.0, Ticking(1000.0))
    assert not_tried == Pace(200.0, 1.0)


@pytest.mark.usefixtures("in_calls", "kernels")
def test_trials_without_a_kernel_are_timed_apart() -> None:
    mixed = seconds_of_trials(TRIALS, PLAN.data, TrainingPath.compiled, Ticking(1e-3))
    small, large, middle = TRIALS
    kernels = seconds_of_trials([small, large], PLAN.data, TrainingPath.compiled, Ticking(1e-3))
    plain = seconds_of_trials([middle], PLAN.data, TrainingPath.numpy, Ticking(1e-3))
    assert mixed == pytest.approx([*kernels, *plain])
    assert plain[0] - kernels[1] == pytest.approx((1e-3 - 2e-4) * middle.config.steps)


ARMS = plan_of(
    *TINY[:1],
    *("replicas=2", "budget.epochs=2", "draws.count=1"),
    "fixed={ hidden = [8], batch_size = 16, evaluations = 1, probe_batch_sizes = [4] }",
    "scientific={ norm_batch_size = [4, 8] }",
    'arms={ batch = {}, noise = { norm = "ghost-noise", norm_batch_size = 4 } }',
)


def test_no_arm_is_told_by_the_steps_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ghost noise takes a hundred times as long here: two arms in one kind would share that."""
    clock = Ticking(1.0)

    def paced(trial: Laid, *given: object) -> Pace:
        return Pace(100.0 if trial.config.norm == "ghost-noise" else 1.0, 1e-12)

    monkeypatch.setattr(timing, "pace_of", paced)
    trials = [laid(trial, ARMS.data) for trial in ARMS.trials]
    each = seconds_of_trials(trials, ARMS.data, TrainingPath.numpy, clock)
    norms = {trial.config.norm for trial in trials}
    assert norms == {"batch", "ghost-noise"}
    for trial, seconds in zip(trials, each, strict=True):
        step = 100.0 if trial.config.norm == "ghost-noise" else 1.0
        assert seconds == pytest.approx(step * trial.config.steps)


@pytest.mark.parametrize(
    "change",
    [
        {"norm": "renorm"},
        {"optimizer": "adam"},
        {"ghosts": "class-sorted"},
        {"dropout": 0.1},
        {"norm_batch_size": 64},
    ],
)
def test_what_changes_a_step_beside_its_size_is_a_kind_of_its_own(change: dict[str, Any]) -> None:
    """A norm batch above the batch takes company; another one within it does not."""
    config = ARMS.trials[0]
    other = laid(config.model_copy(update=change), ARMS.data)
    one, smaller = (
        laid(config.model_copy(update={"norm_batch_size": m}), ARMS.data) for m in (4, 8)
    )
    kinds = [alike(trial, TrainingPath.numpy) for trial in (other, one, smaller)]
    assert kinds[0] != kinds[1] == kinds[2]


@pytest.mark.usefixtures("kernels")
def test_real_kernels_are_timed() -> None:
    pace = pace_of(TRIALS[0], PLAN.data, TrainingPath.compiled, 0.01, time.process_time)
    assert pace.step > 0 and pace.measuring > 0


def test_the_cheapest_and_the_dearest_shape_are_measured() -> None:
    known = calibrated(TRIALS, PLAN.data, TrainingPath.numpy, 2.0, Ticking(1e-3))
    assert known.costs == (min(COSTS), max(COSTS))
    assert [pace.step for pace in known.paces] == [1e-3, 1e-3]
    only = calibrated(TRIALS[:1], PLAN.data, TrainingPath.numpy, 2.0, clock := Ticking(0.5))
    assert only.paces[0] == only.paces[1] and only.costs == (COSTS[0], COSTS[0])
    assert next(clock.ticks) < 10


def steps_alone(trial: Laid, known: Calibrated) -> float:
    return seconds_of_trial(trial, PLAN.data, known) / trial.config.steps


def test_a_trial_between_them_takes_a_time_between_theirs() -> None:
    nothing = 1e-12  # So that steps alone count.
    low, high = min(COSTS), max(COSTS)
    known = Calibrated((low, high), (Pace(0.001, nothing), Pace(0.008, nothing)))
    by_cost = sorted(zip(COSTS, TRIALS, strict=True), key=lambda pair: pair[0])
    times = [steps_alone(trial, known) for _, trial in by_cost]
    assert times[0] == pytest.approx(0.001) and times[-1] == pytest.approx(0.008)
    middle = by_cost[len(by_cost) // 2][0]
    way = math.log(middle / low) / math.log(high / low)
    assert times[len(by_cost) // 2] == pytest.approx(0.001 * 8**way)


def test_measuring_adds_what_it_is_expected_to_take() -> None:
    trial = TRIALS[0]
    flat = Calibrated((COSTS[0], COSTS[0]), (Pace(0.002, 3.0), Pace(0.002, 3.0)))
    units = expected(trial.training.probes, trial.config, trial.sizes)
    measured = 3.0 * units.whole / trial.sizes.step  # One moment, at the end.
    expected_time = 0.002 * (trial.config.steps + measured)
    assert seconds_of_trial(trial, PLAN.data, flat) == pytest.approx(expected_time)


@pytest.mark.parametrize(("workers", "seconds"), [(1, 12.0), (2, 6.0), (4, 5.0), (100, 5.0)])
def test_workers_share_the_trials_but_no_trial(workers: int, seconds: float) -> None:
    plan: Plan = plan_of(*TINY)
    assert plan.most == 4
    assert seconds_of_run(plan, [1.0, 5.0, 3.0, 3.0], workers) == seconds


def test_further_trials_take_the_longest_at_least() -> None:
    assert seconds_at_once([1.0, 5.0, 3.0, 3.0], 12.0, 2, 4) == 6.0
    assert seconds_at_once([1.0, 5.0], 6.0, 4, 2) == 5.0
    assert seconds_at_once([1.0, 5.0], 0.0, 4, 0) == 0.0
