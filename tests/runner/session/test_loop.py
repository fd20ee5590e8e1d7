"""run_study: order, retries, and events of attempts that were given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from caviar.runner.config import TrialConfig
from caviar.runner.session.loop import DEATHS, LOSSES, Progress, estimated_cost, run_study
from caviar.runner.store.sink import MemorySink
from caviar.runner.trial.events import (
    Block,
    Event,
    Idle,
    Job,
    Outcome,
    Refused,
    Started,
    WorkerDied,
)
from tests.runner.helpers import TINY, Scripted, block, jobs_of, nothing, plan_of

JOBS = jobs_of(plan_of(*TINY))


def row(job: Job, attempt: int | None = None) -> Block:
    return block(trial_id=job.trial_id, attempt=job.attempt if attempt is None else attempt)


def done(job: Job) -> Outcome:
    return Outcome(job.trial_id, job.attempt, "completed", rows=3)


def well(job: Job) -> Iterator[Event]:
    yield from (Started(job.trial_id, job.attempt), row(job), done(job))


def run(
    script: Callable[[list[Job]], Iterator[Event]], jobs: list[Job] | None = None
) -> tuple[Progress, MemorySink, list[Job]]:
    executor, sink = Scripted(script), MemorySink()
    progress = run_study(JOBS if jobs is None else jobs, executor, sink, nothing)
    return progress, sink, executor.submitted


def one_after_the_other(submitted: list[Job]) -> Iterator[Event]:
    while submitted:
        yield from well(submitted.pop(0))


def test_every_job_ends_in_the_sink() -> None:
    progress, sink, _ = run(one_after_the_other)
    assert {outcome.trial_id for outcome in sink.outcomes} == {job.trial_id for job in JOBS}
    assert [b.trial_id for b in sink.blocks] == [o.trial_id for o in sink.outcomes]
    assert (progress.done, progress.total, progress.rows, progress.failed) == (4, 4, 12, 0)
    assert (progress.retries, progress.running, progress.interrupted) == (0, set(), False)
    assert progress.seconds_left == 0


def test_no_jobs_no_work() -> None:
    progress, sink, _ = run(one_after_the_other, [])
    assert (progress.total, sink.outcomes, progress.seconds_left) == (0, [], None)


def test_done_trials_count_in_the_total() -> None:
    executor = Scripted(one_after_the_other)
    progress = run_study(JOBS, executor, MemorySink(), nothing, already=10)
    assert (progress.total, progress.done) == (14, 14)


def test_the_longest_go_first() -> None:
    lengths = (3, 900, 40, 2000)
    jobs = [
        replace(job, trial=job.config.model_copy(update={"steps": steps}))
        for job, steps in zip(JOBS, lengths, strict=True)
    ]
    order: list[int] = []

    def script(submitted: list[Job]) -> Iterator[Event]:
        order.extend(job.config.steps for job in submitted)
        yield from one_after_the_other(submitted)

    run(script, jobs)
    assert order == [2000, 900, 40, 3]


@pytest.mark.parametrize(
    "more", [{"steps": 99}, {"hidden": (60,)}, {"seeds": (0, 1, 2)}, {"norm_batch_size": 2}]
)
def test_more_work_costs_more(more: dict[str, object]) -> None:
    config: TrialConfig = JOBS[0].config
    assert estimated_cost(config.model_copy(update=more)) > estimated_cost(config)


def test_a_network_without_hidden_layers_has_a_cost() -> None:
    config = JOBS[0].config.model_copy(update={"hidden": (), "norm": "none"})
    assert estimated_cost(config) > 0


def test_a_dead_worker_costs_its_trial_one_attempt() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        victim = submitted.pop(0)
        yield Started(victim.trial_id, victim.attempt)
        yield row(victim)
        yield WorkerDied(victim, "killed")
        yield from one_after_the_other(submitted)

    progress, sink, _ = run(script)
    assert (progress.retries, progress.done, progress.failed) == (1, 4, 0)
    assert sorted(outcome.attempt for outcome in sink.outcomes) == [0, 0, 0, 1]


def test_a_worker_that_is_refused_costs_nothing_and_is_told() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        yield Refused("it computes with another kernel")
        yield from one_after_the_other(submitted)

    progress, _, _ = run(script)
    assert (progress.done, progress.retries) == (4, 0)
    assert progress.notes == ["it computes with another kernel"]


def test_a_retry_is_the_same_trial() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        victim = submitted.pop(0)
        yield WorkerDied(victim, "killed")
        assert submitted[-1] == replace(victim, attempt=victim.attempt + 1)
        yield from one_after_the_other(submitted)

    assert run(script)[0].done == 4


@pytest.mark.parametrize(
    ("machine_lost", "most", "status"), [(False, DEATHS, "failed"), (True, LOSSES, "lost")]
)
def test_a_trial_that_always_loses_its_worker_is_given_up(
    machine_lost: bool, most: int, status: str
) -> None:
    first = replace(JOBS[0], attempt=5)

    def script(submitted: list[Job]) -> Iterator[Event]:
        while submitted:
            job = submitted.pop(0)
            if job.trial_id == first.trial_id:
                yield WorkerDied(job, f"killed at {job.attempt}", machine_lost)
            else:
                yield from well(job)

    progress, sink, submitted = run(script, [first, *JOBS[1:]])
    assert not submitted
    (lost,) = [outcome for outcome in sink.outcomes if outcome.status == status]
    assert (lost.trial_id, lost.attempt) == (first.trial_id, 5 + most - 1)
    assert lost.error == f"killed at {5 + most - 1}, {most} times"
    assert (progress.done, progress.failed, progress.retries) == (4, 1, most - 1)
    assert progress.failures[0] is lost


def test_events_of_a_given_up_attempt_are_ignored() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        zombie = submitted.pop(0)
        yield WorkerDied(zombie, "silence")
        yield Started(zombie.trial_id, zombie.attempt)
        yield row(zombie)
        yield done(zombie)
        yield WorkerDied(zombie, "dead at last")
        yield from one_after_the_other(submitted)

    progress, sink, _ = run(script)
    assert len(sink.outcomes) == progress.done == 4
    assert len(sink.blocks) == 4 and progress.rows == 12
    assert {b.attempt for b in sink.blocks} == {0, 1}
    assert progress.retries == 1


def test_events_of_an_attempt_to_come_are_ignored() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        yield row(submitted[0], attempt=1)
        yield from one_after_the_other(submitted)

    assert run(script)[0].rows == 12


def test_a_failed_trial_is_no_retry() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        failing = submitted.pop(0)
        yield Outcome(failing.trial_id, 0, "failed", error="E: no", traceback="T")
        yield from one_after_the_other(submitted)

    progress, sink, _ = run(script)
    assert (progress.failed, progress.done, progress.retries) == (1, 4, 0)
    assert progress.failures[0] is sink.outcomes[0]
    assert progress.outcomes == {"failed": 1, "completed": 3}


def test_the_first_failure_stays_the_first() -> None:
    def script(submitted: list[Job]) -> Iterator[Event]:
        for i, job in enumerate(submitted):
            yield Outcome(job.trial_id, 0, "failed" if i else "diverged", error=str(i))

    progress, _, _ = run(script)
    assert progress.failures[0].error == "1"
    assert (progress.failed, progress.outcomes["diverged"]) == (3, 1)


def test_every_event_is_observed_and_every_event_is_a_tick() -> None:
    class Ticking(MemorySink):
        ticks = 0

        def tick(self) -> None:
            self.ticks += 1

    def script(submitted: list[Job]) -> Iterator[Event]:
        yield Idle()
        yield from one_after_the_other(submitted)
        yield Idle()

    observed: list[Event] = []
    sink = Ticking()
    run_study(JOBS, Scripted(script), sink, lambda progress, event: observed.append(event))
    assert len(observed) == sink.ticks == 14
    assert observed[0] == observed[-1] == Idle()


def test_running_trials_are_known() -> None:
    counts: list[int] = []
    run_study(
        JOBS,
        Scripted(one_after_the_other),
        MemorySink(),
        lambda progress, event: counts.append(len(progress.running)),
    )
    assert counts == [1, 1, 0] * 4


def test_a_stop_ends_the_loop_after_the_event() -> None:
    sink, asked = MemorySink(), iter([False, False, True])
    progress = run_study(
        JOBS, Scripted(one_after_the_other), sink, nothing, stop=lambda: next(asked)
    )
    assert progress.interrupted
    assert (len(sink.blocks), len(sink.outcomes), progress.done) == (1, 1, 1)
