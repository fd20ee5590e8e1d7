"""What every executor holds to, and what is said about a worker with another kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caviar.runner.data.splits import Data
from caviar.runner.executors.executor import Executor, other_kernel
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.trial.events import Outcome
from tests.runner.helpers import TINY, jobs_of, plan_of


def test_the_sentence_names_both_kernels() -> None:
    assert other_kernel("the Ray actor on b", "openblas 1 Zen", "openblas 1 Haswell") == (
        "the Ray actor on b computes with openblas 1 Zen, and caviar here with openblas 1 Haswell: "
        "trials would differ in their last digits, so this worker gets none"
    )


@pytest.mark.parametrize("make", [InlineExecutor, lambda data: LocalExecutor(data, 2)])
def test_events_end_with_the_jobs_and_begin_again_with_more(
    make: Callable[[Data], Executor],
) -> None:
    plan = plan_of(*TINY)
    executor = make(plan.data)
    try:
        for jobs in (jobs_of(plan)[:3], jobs_of(plan)[3:]):
            for job in jobs:
                executor.submit(job)
            ended = {e.trial_id for e in executor.events() if isinstance(e, Outcome)}
            assert ended == {job.trial_id for job in jobs}
    finally:
        executor.close()
