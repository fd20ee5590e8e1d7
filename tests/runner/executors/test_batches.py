"""Short trials that travel together: how many, in which order, and whom a death is charged to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count

import pytest

from caviar.runner.data.splits import Data
from caviar.runner.executors.batches import BATCH_SECONDS, MOST_JOBS, JobQueue, messages
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.session.loop import DEATHS, run_study
from caviar.runner.store.sink import MemorySink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event, Job, Outcome, Started, Status
from tests.runner import workers
from tests.runner.forked import forked_worker
from tests.runner.helpers import TINY, jobs_of, nothing, plan_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*TINY, trials=200)


def queue_of(jobs: list[Job], *seconds: float, status: Status = "completed") -> JobQueue:
    """Jobs that wait, after trials that took so long."""
    queue = JobQueue()
    for job in jobs:
        queue.submit(job)
    for taken in seconds:
        queue.finished(Outcome("before", 0, status, seconds=taken))
    return queue


def test_one_job_travels_until_a_trial_has_told_how_long_they_are(plan: Plan) -> None:
    jobs = jobs_of(plan)
    assert queue_of(jobs).take(1) == jobs[:1]
    assert queue_of(jobs, 0.001, status="diverged").take(1) == jobs[:1]
    assert queue_of(jobs, BATCH_SECONDS).take(1) == jobs[:1]


def test_so_many_travel_together_as_fill_the_time_of_a_batch(plan: Plan) -> None:
    jobs = jobs_of(plan)
    assert queue_of(jobs, BATCH_SECONDS / 10).take(1) == jobs[:10]
    assert queue_of(jobs, BATCH_SECONDS / 10, BATCH_SECONDS / 40).take(1) == jobs[:10]
    assert queue_of(3 * jobs, 0.0).take(1) == (3 * jobs)[:MOST_JOBS]


def test_the_last_jobs_are_shared_by_all_workers(plan: Plan) -> None:
    queue = queue_of(jobs_of(plan), 0.0)
    sizes = []
    while queue:
        sizes.append(len(queue.take(2)))
    assert sizes[:3] == [50, 38, 28] and sizes[-4:] == [2, 1, 1, 1]
    assert sum(sizes) == 200


def test_a_job_with_a_checkpoint_travels_alone(plan: Plan) -> None:
    jobs = jobs_of(plan)[:8]
    jobs[2] = replace(jobs[2], checkpoint=b"state")
    queue = queue_of(jobs + jobs, 0.0)
    assert [len(queue.take(1)) for _ in range(3)] == [2, 1, 7]


def test_the_jobs_of_a_dead_worker_go_first_and_alone(plan: Plan) -> None:
    jobs = jobs_of(plan)
    queue = queue_of(jobs, BATCH_SECONDS / 4)
    assert queue.returned(queue.take(1)[1:]) is jobs[1]
    queue.submit(replace(jobs[1], attempt=1))
    taken = [queue.take(1) for _ in range(3)]
    assert taken == [[jobs[2]], [jobs[3]], jobs[4:8]]
    while len(last := queue.take(1)) > 1 or queue:
        pass
    assert last == [replace(jobs[1], attempt=1)]


def two_events(job: Job, data: Data) -> Iterator[Event]:
    yield Started(job.trial_id, job.attempt)
    yield Outcome(job.trial_id, job.attempt, "completed")


def test_events_share_a_message_unless_their_job_travels_alone(plan: Plan) -> None:
    """A clock that goes on by a second at each look; the first look is at the start."""
    jobs = jobs_of(plan)[:3]

    def lengths(seconds: float, *jobs: Job) -> list[int]:
        clock = partial(next, count(0.0))
        sent = list(messages(two_events, jobs, plan.data, seconds, clock))
        each = [event for job in jobs for event in two_events(job, plan.data)]
        assert [event for message in sent for event in message] == each
        return [len(message) for message in sent]

    assert lengths(0.0, jobs[0]) == [1, 1]
    assert lengths(9.0, jobs[0]) == [1, 1], "the first event says at once that the trial runs"
    assert lengths(3.0, *jobs) == [3, 3]
    assert lengths(4.0, *jobs) == [4, 2]


def test_a_trial_that_kills_its_worker_costs_the_others_nothing(plan: Plan) -> None:
    """Although it travels with others: each has its row once, and at most one attempt too many."""
    jobs = jobs_of(plan)
    bad = jobs[90].trial_id
    run = partial(workers.quick_but_one, bad)
    executor, sink = LocalExecutor(plan.data, 2, run, forked_worker), MemorySink()
    try:
        progress = run_study(jobs, executor, sink, nothing)
    finally:
        executor.close()
    assert progress.outcomes == {"completed": len(jobs) - 1, "failed": 1}
    assert DEATHS <= sum(progress.deaths.values()) <= DEATHS + 1
    (failed,) = (outcome for outcome in sink.outcomes if outcome.status == "failed")
    assert failed.trial_id == bad
    rows = Counter((block.trial_id, block.attempt) for block in sink.blocks)
    outcomes = {(o.trial_id, o.attempt) for o in sink.outcomes if o.status == "completed"}
    assert rows.keys() == outcomes and set(rows.values()) == {1}
