"""What runs will cost before they are made: trials, processor time, disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.executors.blas_threads import one_blas_thread
from caviar.runner.study.plan import Plan
from caviar.runner.trial.build import forward_examples
from caviar.runner.trial.events import Job
from caviar.runner.trial.measurement_schedule import Sizes, shadow_cost
from caviar.runner.trial.run_trial import run_trial

STEP = 5e6
"""Multiply-adds in the time that the calls of one step take, whatever its size."""
BYTES_PER_TRIAL = 60_000
"""Of a trial of fourteen seeds that is measured once, on disk."""
FEW_STEPS, MORE_STEPS = 20, 80


class Speed(NamedTuple):
    """Seconds of one core: per multiply-add of training, and per example and seed measured."""

    training: float
    measuring: float


def costs(runs: Sequence[tuple[str, Plan]]) -> list[str]:
    """A line for each run and one for all of them, with times calibrated on this machine."""
    speed = calibrated(runs[0][1])
    lines, total, trials = [], 0.0, 0
    for name, plan in runs:
        cost = sum(seconds(trial, plan.data, speed) for trial in plan.trials)
        total, trials = total + cost, trials + len(plan.trials)
        lines.append(f"{name}: {_amount(len(plan.trials), cost)}")
    return [
        *lines,
        f"{len(runs)} runs: {_amount(trials, total)}, on two cores {total / 7200:.1f} h",
    ]


def _amount(trials: int, cost: float) -> str:
    megabytes = trials * BYTES_PER_TRIAL / 1e6
    return f"{trials} trials, {cost / 60:.0f} min of one core, {megabytes:.1f} MB"


def seconds(config: TrialConfig, data: Data, speed: Speed) -> float:
    """What a trial takes: its training, and one measurement at the end."""
    return operations(config, data) * speed.training + measured(config, data) * speed.measuring


def operations(config: TrialConfig, data: Data) -> float:
    """A trial's training in multiply-adds, calls of each step and the shadow included."""
    sizes = _sizes(config, data)
    widths = [data.features.shape[1], *config.hidden, len(data.classes)]
    weights = sum(a * b for a, b in pairwise(widths))
    ghosts = 50 * sum(config.hidden) * (1 + 4 / config.norm_batch_size)
    step = STEP + len(config.seeds) * sizes.step * config.partitions * (3 * weights + ghosts)
    return float(config.steps * step * (1 + shadow_cost(config, sizes)))


def measured(config: TrialConfig, data: Data) -> float:
    """Examples times seeds that one measurement passes over."""
    sizes = _sizes(config, data)
    return float(len(config.seeds) * (sizes.train + sizes.validation + sizes.test))


def calibrated(plan: Plan) -> Speed:
    """The speed of this machine, from the first trial of a plan at two short lengths."""
    few, more = (_timed(plan, steps) for steps in (FEW_STEPS, MORE_STEPS))
    config = plan.trials[0].model_copy(update={"steps": MORE_STEPS - FEW_STEPS})
    training = max(more - few, 0.0) / operations(config, plan.data)
    start = config.model_copy(update={"steps": FEW_STEPS})
    rest = max(few - operations(start, plan.data) * training, 0.0)
    return Speed(training, rest / measured(config, plan.data))


def _timed(plan: Plan, steps: int) -> float:
    config = plan.trials[0].model_copy(update={"steps": steps})
    with one_blas_thread():
        started = time.process_time()
        for _ in run_trial(Job(config, config.trial_id, 0), plan.data):
            pass
        return time.process_time() - started


def _sizes(config: TrialConfig, data: Data) -> Sizes:
    splits = split_sizes(config.dataset, len(data.labels), data.given_test)
    return Sizes(*splits, forward_examples(config, splits[0]))
