"""Trials in this process: one after the other, in the order of submission."""

from __future__ import annotations

from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.trial.events import Started
from tests.runner.helpers import TINY, jobs_of, plan_of


def test_inline_runs_in_the_order_of_submission() -> None:
    plan = plan_of(*TINY)
    executor = InlineExecutor(plan.data)
    for job in reversed(jobs_of(plan)):
        executor.submit(job)
    started = [e.trial_id for e in executor.events() if isinstance(e, Started)]
    assert started == [config.trial_id for config in reversed(plan.trials)]


def test_what_waits_is_forgotten_once_it_is_closed() -> None:
    plan = plan_of(*TINY)
    executor = InlineExecutor(plan.data)
    executor.submit(jobs_of(plan)[0])
    executor.close()
    executor.close()
    assert not list(executor.events())
