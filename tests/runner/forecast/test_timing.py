"""The time of a run is forecast from real steps by arithmetic alone; the clock is a value."""

from __future__ import annotations

import itertools
import math

import pytest

from caviar.runner.forecast.rows import Laid, laid
from caviar.runner.forecast.timing import (
    Calibrated,
    Pace,
    calibrated,
    pace_of,
    seconds_of_run,
    seconds_of_trial,
    step_cost,
)
from caviar.runner.study.plan import Plan
from caviar.runner.trial.measurement_schedule import expected
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
    pace = pace_of(trial, PLAN.data, 100.0, Ticking(0.25))
    assert pace.step == 0.25
    units = expected(trial.training.probes, trial.config, trial.sizes)
    planned = 0.25 * units.whole / trial.sizes.step
    assert pace.measuring == pytest.approx(0.25 / planned)


def test_what_takes_longer_than_the_calibration_may_is_not_tried() -> None:
    clock = Ticking(1000.0)
    pace = pace_of(TRIALS[0], PLAN.data, 1.0, clock)
    assert pace == Pace(1000.0, 1.0)
    assert next(clock.ticks) == 2  # Before and after one step.


def test_a_short_trial_is_timed_over_no_more_steps_than_it_has() -> None:
    clock = Ticking(1e-9)
    pace_of(TRIALS[0], PLAN.data, 1.0, clock)
    assert next(clock.ticks) == TRIALS[0].config.steps + 1 + 2


def test_the_cheapest_and_the_dearest_shape_are_measured() -> None:
    known = calibrated(TRIALS, PLAN.data, Ticking(1e-3))
    assert known.costs == (min(COSTS), max(COSTS))
    assert [pace.step for pace in known.paces] == [1e-3, 1e-3]
    only = calibrated(TRIALS[:1], PLAN.data, clock := Ticking(0.5))
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
