"""Local workers: the same bits as in this process, whatever happens to them.

They start as those of the program do, except where a test is about what happens to them later.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.runner.executors.executor import Executor, RunTrial
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.session.loop import NEVER_RAN, Progress, run_study
from caviar.runner.session.run_folder import open_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import MemorySink, ParquetSink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Block, Event, Idle, Outcome, Started, WorkerDied
from caviar.runner.verify.run import verify_run
from tests.runner import workers
from tests.runner.forked import forked_worker, local_workers
from tests.runner.helpers import (
    DIGITS,
    TINY,
    Rows,
    eventually,
    jobs_of,
    nothing,
    plan_of,
    rows_of,
    same_tables,
    tables,
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*DIGITS)


@pytest.fixture(scope="module")
def tiny() -> Plan:
    return plan_of(*TINY)


def run_on(
    executor: Executor, plan: Plan, observe: Callable[[Progress, Event], None] = nothing
) -> tuple[Progress, MemorySink]:
    sink = MemorySink()
    try:
        return run_study(jobs_of(plan), executor, sink, observe), sink
    finally:
        executor.close()


@pytest.fixture(scope="module")
def expected(plan: Plan) -> Rows:
    """The rows that this process computes."""
    progress, sink = run_on(InlineExecutor(plan.data), plan)
    assert progress.done == 4
    return rows_of(sink.blocks)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert not local_workers()


def kill_workers(number: signal.Signals = signal.SIGKILL) -> None:
    for pid in local_workers():
        os.kill(pid, number)


@pytest.mark.parametrize("count", [1, 3])
def test_local_workers_give_the_same_bits(count: int, plan: Plan, expected: Rows) -> None:
    progress, sink = run_on(LocalExecutor(plan.data, count), plan)
    assert rows_of(sink.blocks) == expected
    each = sum(sum(rows.values()) for rows in expected.values()) // 4
    assert {(o.status, o.rows) for o in sink.outcomes} == {("completed", each)}
    assert (progress.retries, progress.failed) == (0, 0)


def said(count: int, plan: Plan, run: RunTrial) -> list[str]:
    executor = LocalExecutor(plan.data, count, run, forked_worker)
    return [o.error for o in run_on(executor, plan)[1].outcomes]


def test_a_worker_takes_one_job_after_the_other(tiny: Plan) -> None:
    assert len(set(said(1, tiny, workers.says_its_process))) == 1
    pids = said(2, tiny, workers.says_its_process)
    assert len(pids) == 4 and len(set(pids)) <= 2
    assert str(os.getpid()) not in pids


def test_no_more_workers_start_than_there_are_jobs(tiny: Plan) -> None:
    executor = LocalExecutor(tiny.data, 5, workers.never_ends, forked_worker)
    for job in jobs_of(tiny)[:2]:
        executor.submit(job)
    started = 0
    for event in executor.events():
        started += isinstance(event, Started)
        if started == 2:
            break
    assert len(local_workers()) == 2
    executor.close()


def test_jobs_may_be_submitted_while_others_run(tiny: Plan) -> None:
    executor = LocalExecutor(tiny.data, 1, workers.says_its_process, forked_worker)
    first, *rest = jobs_of(tiny)
    executor.submit(first)
    ended = []
    for event in executor.events():
        if isinstance(event, Outcome):
            ended.append(event.trial_id)
            if rest:
                executor.submit(rest.pop())
    executor.close()
    assert sorted(ended) == sorted(job.trial_id for job in jobs_of(tiny))


def test_nothing_to_say_is_said(tiny: Plan) -> None:
    executor = LocalExecutor(tiny.data, 1, workers.never_ends, forked_worker)
    executor.submit(jobs_of(tiny)[0])
    events = executor.events()
    while not isinstance(next(events), Started):
        pass
    assert next(events) == Idle()
    executor.close()


def test_a_killed_worker_costs_a_retry_and_no_bits() -> None:
    pair = plan_of(*DIGITS, "draws.count=1")
    expected = rows_of(run_on(InlineExecutor(pair.data), pair)[1].blocks)
    killed: list[str] = []

    def observe(progress: Progress, event: Event) -> None:
        if isinstance(event, Started) and not killed:
            kill_workers()
            killed.append(event.trial_id)
        if isinstance(event, WorkerDied):
            assert event.reason.startswith("the worker process was killed by SIGKILL")

    executor = LocalExecutor(pair.data, 2, workers.first_attempts_hold, forked_worker)
    progress, sink = run_on(executor, pair, observe)
    assert killed and progress.retries == 2
    assert rows_of(block for block in sink.blocks if block.attempt == 1) == expected
    assert [outcome.attempt for outcome in sink.outcomes] == [1, 1]


def on_disk(
    root: Path, plan: Plan, executor: Executor, observe: Callable[[Progress, Event], None]
) -> Progress:
    root.mkdir()
    open_run(storage_at(root), plan, "test")
    sink = ParquetSink(storage_at(root), max_seconds=0.0)
    sink.plan(plan.trials)
    try:
        return run_study(jobs_of(plan), executor, sink, observe)
    finally:
        executor.close()
        sink.close()


def test_a_worker_killed_while_training_leaves_the_same_tables(tmp_path: Path) -> None:
    plan = plan_of(*DIGITS, "draws.count=1")
    on_disk(tmp_path / "whole", plan, InlineExecutor(plan.data), nothing)
    killed: list[str] = []

    def observe(progress: Progress, event: Event) -> None:
        if isinstance(event, Block) and not killed:
            kill_workers()
            killed.append(event.trial_id)

    executor = LocalExecutor(plan.data, 2, workers.first_attempts_hold, forked_worker)
    progress = on_disk(tmp_path / "hurt", plan, executor, observe)
    assert (progress.retries, progress.failed) == (2, 0)
    findings = verify_run(storage_at(tmp_path / "hurt"))
    assert not findings.faults
    assert any("rows of given-up attempts" in line for line in findings.lines)
    same_tables(tables(tmp_path / "hurt"), tables(tmp_path / "whole"))


@pytest.fixture(scope="module")
def pair() -> Plan:
    """Two trials, of 4 and of 16 examples that are normalised together."""
    return plan_of(*TINY, "draws.count=1")


def test_a_trial_whose_worker_always_dies_fails_and_the_others_complete(pair: Plan) -> None:
    progress, sink = run_on(
        LocalExecutor(pair.data, 2, workers.dies_at_small_ghosts, forked_worker), pair
    )
    status = {o.trial_id: (o.status, o.attempt, o.error) for o in sink.outcomes}
    failed = ("failed", 2, "the worker process exited with code 3, 3 times")
    assert status == {
        config.trial_id: failed if config.norm_batch_size == 4 else ("completed", 0, "")
        for config in pair.trials
    }
    assert (progress.failed, progress.retries) == (1, 2)


def test_workers_that_die_once_each_cost_nothing(pair: Plan) -> None:
    expected = rows_of(run_on(InlineExecutor(pair.data), pair)[1].blocks)
    progress, sink = run_on(LocalExecutor(pair.data, 2, workers.dies_at_first, forked_worker), pair)
    assert progress.retries == 2 and rows_of(sink.blocks) == expected


def test_workers_that_die_at_birth_end_the_run(pair: Plan) -> None:
    data = workers.poisoned(pair.data)
    progress, _ = run_on(LocalExecutor(data, 2), pair)
    assert progress.never_ran == NEVER_RAN
    assert progress.cannot_start == "the worker process exited with code 7"


def test_a_worker_that_dies_idle_is_replaced(tiny: Plan) -> None:
    executor = LocalExecutor(tiny.data, 1, workers.says_its_process, forked_worker)
    first, second, *_ = jobs_of(tiny)
    executor.submit(first)
    assert any(isinstance(event, Outcome) for event in executor.events())
    (worker,) = local_workers()
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: not local_workers())  # A zombie has no command line.
    executor.submit(second)
    events = [e for e in executor.events() if isinstance(e, WorkerDied | Outcome)]
    while isinstance(events[-1], WorkerDied):
        executor.submit(replace(events[-1].job, attempt=events[-1].job.attempt + 1))
        events += [e for e in executor.events() if isinstance(e, WorkerDied | Outcome)]
    executor.close()
    assert len(events) <= 2


def test_workers_leave_ctrl_c_to_the_driver(tiny: Plan) -> None:
    def observe(progress: Progress, event: Event) -> None:
        if isinstance(event, Started):
            kill_workers(signal.SIGINT)

    progress, sink = run_on(LocalExecutor(tiny.data, 2, workers.waits_for_ctrl_c), tiny, observe)
    assert progress.retries == 0 and len(sink.outcomes) == 4


def test_an_exception_in_the_driver_leaves_no_process(tiny: Plan) -> None:
    def observe(progress: Progress, event: Event) -> None:
        if isinstance(event, Started):
            assert local_workers()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_on(LocalExecutor(tiny.data, 2, workers.never_ends), tiny, observe)


def test_closing_twice_is_no_fault(tiny: Plan) -> None:
    executor = LocalExecutor(tiny.data, 1)
    executor.submit(jobs_of(tiny)[0])
    executor.close()
    executor.close()
    assert not list(executor.events())
