"""What runs will cost before they are made: trials, processor time, disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from caviar.runner.executors.blas_threads import one_blas_thread
from caviar.runner.forecast.forecast import Forecast, forecast
from caviar.runner.session.run_folder import STUDY
from caviar.runner.session.training_path import path_of_run
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import SETTLED
from caviar.runner.trial.kernels import Kernels
from caviar.runner.verify.run import latest_outcomes


def costs(
    runs: Sequence[tuple[str, Plan]],
    out: Path,
    clock: Callable[[], float] = time.process_time,
) -> list[str]:
    """A line for each run and one for what is left of all, timed as a dry run does: from real
    steps of a run's trials, on the path that they will take."""
    lines, trials, rest = [], 0, 0.0
    for name, plan in runs:
        storage = storage_at(str(out / name))
        left = _left(plan, out / name)
        with one_blas_thread():
            told = forecast(plan, 1, path_of_run(Kernels.auto, plan, storage), clock, left)
        lines.append(f"{name}: {_amount(plan, told, left)}")
        trials, rest = trials + len(left), rest + (told.left_seconds or 0.0)
    return [
        *lines,
        f"{len(runs)} runs: {trials} trials left, about {rest / 60:.0f} min of one core, on two "
        f"cores {rest / 7200:.1f} h",
    ]


def _left(plan: Plan, root: Path) -> Collection[str]:
    """The trials that have no result yet."""
    trials = [trial.trial_id for trial in plan.trials]
    if not (root / STUDY).is_file():
        return trials
    outcomes = latest_outcomes(storage_at(str(root)))
    settled = {trial for trial, outcome in outcomes.items() if outcome["status"] in SETTLED}
    return [trial for trial in trials if trial not in settled]


def _amount(plan: Plan, told: Forecast, left: Collection[str]) -> str:
    if told.seconds is None:
        return f"{len(plan.trials)} trials that need more memory than this machine has"
    whole = f"{len(plan.trials)} trials, about {told.seconds / 60:.0f} min of one core, "
    whole += f"{told.disk / 1e6:.1f} MB"
    if len(left) == len(plan.trials):
        return whole
    return f"{whole}; {len(left)} left, {(told.left_seconds or 0.0) / 60:.0f} min"
