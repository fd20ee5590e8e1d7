"""The executor for where trials run."""

from __future__ import annotations

import pytest

from caviar.runner.executors.choice import Where, executor_on
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import TINY, plan_of


@pytest.mark.parametrize(
    ("where", "jobs", "workers", "kind", "count"),
    [
        (Where.inline, 4, None, InlineExecutor, 1),
        (Where.local, 4, 3, LocalExecutor, 3),
        (Where.local, 2, 3, LocalExecutor, 2),
        (Where.local, 0, 3, InlineExecutor, 1),
        (Where.ray, 0, 3, InlineExecutor, 1),
    ],
)
def test_no_more_is_started_than_there_is_to_do(
    where: Where, jobs: int, workers: int | None, kind: type, count: int
) -> None:
    executor = executor_on(where, plan_of(*TINY).data, jobs, workers, None, run_trial)
    assert isinstance(executor, kind) and executor.workers == count
    executor.close()
