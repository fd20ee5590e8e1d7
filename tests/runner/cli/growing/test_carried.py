"""What `caviar run` is given reaches the run, once or at every look."""

from __future__ import annotations

from typing import Any, cast

from caviar.runner.cli.carry_out import CarryOut
from caviar.runner.cli.growing.carried import Given, grown
from caviar.runner.executors.choice import Where
from caviar.runner.session.loop import Progress
from caviar.runner.study.plan import Plan
from caviar.runner.trial.kernels import Kernels
from tests.runner.helpers import TINY, plan_of


def test_without_looks_a_plan_is_carried_out_once_with_all_that_was_given() -> None:
    plan, calls = plan_of(*TINY), []

    def carry_out(plan: Plan, *given: Any) -> Progress:
        calls.append((plan, *given))
        return Progress(4, 0, {})

    given: Given = ("run", Where.inline, None, None, False, True, Kernels.off)
    assert grown(cast(CarryOut, carry_out), given, "other", None, plan, True).total == 4
    assert calls == [(plan, *given, True, "other")]
