"""What runs cost: trials are counted, and longer, wider or whole-split training costs more."""

from __future__ import annotations

import pytest

from caviar.runner.study.plan import Plan
from studies.scorecard_cost import Speed, costs, operations, seconds
from tests.runner.helpers import TINY, plan_of


def first(plan: Plan, **fields: object) -> float:
    return operations(plan.trials[0].model_copy(update=fields), plan.data)


def test_cost_grows_with_steps_and_with_what_a_step_passes_over() -> None:
    plan = plan_of(*TINY)
    once = first(plan)
    assert first(plan, steps=10 * plan.trials[0].steps) == pytest.approx(10 * once)
    assert first(plan, norm_batch_size=96) > once  # 96 examples per step instead of 16
    assert first(plan, shadow=True) > once
    trial = plan.trials[0]
    assert seconds(trial, plan.data, Speed(0.0, 2.0)) == 2 * 2 * 178


def test_every_run_and_their_sum_have_a_line() -> None:
    plan = plan_of(*TINY)
    lines = costs([("a", plan), ("b", plan)])
    assert [line.partition(",")[0] for line in lines] == [
        "a: 4 trials",
        "b: 4 trials",
        "2 runs: 8 trials",
    ]
    assert lines[-1].endswith(" h") and "on two cores" in lines[-1]
