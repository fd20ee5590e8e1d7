"""The memory of a worker is forecast within a factor of two, and grows with what it holds."""

from __future__ import annotations

import tracemalloc

import pytest

from caviar.runner.forecast.memory import Memory, memory_of_trial
from caviar.runner.forecast.rows import laid
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import DIGITS, jobs_of, plan_of

ONE = tuple(s for s in DIGITS if not s.startswith(("norm_batch_size", "budget", "draws")))
SHORT = (*ONE, "norm_batch_size=[32]", "budget={ steps = 3 }", "draws.count=1")
CASES = {
    "wide": ("hidden=[512]", "optimizer=adam"),
    "many seeds": ("replicas=8", "hidden=[48, 48]"),
    "all predictions": ("log_probabilities=true", "replicas=6", "hidden=[8]"),
}


def memory(*settings: str) -> Memory:
    plan = plan_of(*SHORT, *settings)
    return memory_of_trial(laid(plan.trials[0], plan.data), plan.data)


@pytest.mark.parametrize("case", CASES)
def test_what_a_trial_takes_is_forecast_within_a_factor_of_two(case: str) -> None:
    plan = plan_of(*SHORT, *CASES[case])
    (job,) = jobs_of(plan)
    tracemalloc.start()
    list(run_trial(job, plan.data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = memory(*CASES[case])
    taken = told.in_all - told.program - plan.data.features.nbytes - plan.data.labels.nbytes
    assert peak / 2 < taken < 2 * peak


def test_each_part_grows_with_what_it_stands_for() -> None:
    small, seeds, wide = memory(), memory("replicas=4"), memory("hidden=[64, 64]")
    assert seeds.state == 2 * small.state and seeds.data > small.data
    assert wide.state > 4 * small.state and wide.data == small.data
    assert memory("optimizer=adam").state > memory("optimizer=sgd").state
    assert memory("norm=none", "norm_batch_size=64").passing < small.passing
