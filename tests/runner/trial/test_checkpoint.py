"""A trial resumes from the bytes of a checkpoint as if it had never stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.norms.registry import NORMS
from caviar.model.records import Record
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.executors.processes import LocalExecutor
from caviar.runner.trial.checkpoint import ABOUT, Header, header
from caviar.runner.trial.events import Block, Checkpoint, Event, Job, Outcome
from caviar.runner.trial.run_trial import Trainer, run_trial
from tests.runner.attempts import (
    EVERYTHING,
    about_with,
    attempted,
    checkpoints,
    everything,
    members_of,
    trial,
    until,
)
from tests.runner.helpers import Rows, outcome_of, rows_of

STEPS = 12

TRIALS = [
    *((f"norm={norm}", "optimizer=adam") for norm in NORMS),
    *((f"norm={norm}", "shadow=true") for norm in ("renorm", "other-examples", "scale-noise")),
    ("optimizer=sgd", "ghost_update=average"),
    ("optimizer=sgd", "ghost_update=sequential", "shadow=true"),
    ("optimizer=momentum", "weight_decay=0.1", "weight_decay_style=coupled"),
    ("optimizer=adam", "weight_decay=0.1", "weight_decay_scope=all", "gamma_decay=0.1"),
    ("dtype=float64", "norm=none", "hidden=[]"),
    ("dtype=float64", "partitions=2", "ghosts=stratified"),
    ("ghosts=class-sorted", "dropout=0.3"),
    ("norm_batch_size=40", "conventions=[]"),
    ('norm_batch_size="train"', "batch_size=24"),
    ("learning_rate=1e30",),
    EVERYTHING,
]


def told(outcome: Outcome) -> tuple[Any, ...]:
    """The fields of an outcome that depend on neither the clock nor the attempt."""
    return (
        *(outcome.status, outcome.steps, outcome.rows, outcome.diverged_seeds),
        *(outcome.invariants, outcome.error),
    )


def together(*attempts: list[Event]) -> Rows:
    return rows_of([event for events in attempts for event in events])


@pytest.mark.parametrize("settings", TRIALS, ids=" ".join)
def test_a_trial_goes_on_bit_for_bit(settings: tuple[str, ...]) -> None:
    """After the first step, after a measurement within an epoch, and before the last step."""
    config, data = trial(*settings)
    whole = attempted(config, data)
    assert list(checkpoints(whole)) == list(range(1, config.steps))
    for step in (1, 4, config.steps - 1):
        before = until(whole, step)
        rest = attempted(config, data, checkpoints(whole)[step].content, attempt=1)
        assert together(before, rest) == rows_of(whole)
        assert told(outcome_of(rest)) == told(outcome_of(whole))
        assert {event.attempt for event in rest} == {1}  # type: ignore[union-attr]


def test_a_checkpoint_counts_what_came_before_it() -> None:
    config, data = trial(*EVERYTHING)
    events = attempted(config, data, attempt=3)
    for step, checkpoint in checkpoints(events).items():
        before = [event for event in until(events, step) if isinstance(event, Block)]
        assert checkpoint.rows == sum(event.rows for event in before)
        assert all(max(event.columns["step"]) <= step for event in before)
        assert (checkpoint.trial_id, checkpoint.attempt) == (config.trial_id, 3)
        assert header(checkpoint.content) == Header(config.trial_id, 3, step, checkpoint.rows)
    after_one = events[events.index(checkpoints(events)[4]) :]
    assert min(min(event.columns["step"]) for event in after_one if isinstance(event, Block)) > 4


def test_checkpoints_of_a_trial_that_went_on_are_those_of_one_that_did_not() -> None:
    config, data, whole = everything()
    first = checkpoints(whole)
    again = checkpoints(attempted(config, data, first[5].content))
    assert list(again) == list(range(6, STEPS))
    for step, checkpoint in again.items():
        members = [members_of(one.content) for one in (first[step], checkpoint)]
        about = [json.loads(m.pop(ABOUT)) for m in members]
        assert members[0] == members[1]
        for key in ("seconds", "probe_seconds"):
            for one in about:
                del one["tally"][key]
        assert about[0] == about[1]


def stopped(job: Job, step: int) -> tuple[list[Event], bytes]:
    """The events of an attempt that died just after the checkpoint of a step."""
    events = attempted(job.config, everything()[1], job.checkpoint, job.attempt)
    return until(events, step), checkpoints(events)[step].content


@settings(deadline=None, max_examples=5)
@given(stops=st.sets(st.integers(1, STEPS - 1), max_size=4))
def test_any_chain_of_attempts(stops: set[int]) -> None:
    config, data, whole = everything()
    received: list[Event] = []
    job = Job(config, config.trial_id, 0)
    for attempt, stop in enumerate(sorted(stops), start=1):
        sent, content = stopped(job, stop)
        received += sent
        job = Job(config, config.trial_id, attempt, content)
    last = attempted(config, data, job.checkpoint, job.attempt)
    assert together(received, last) == rows_of(whole)
    assert told(outcome_of(last)) == told(outcome_of(whole))


def test_time_goes_on_too() -> None:
    """With a clock that advances by one second whenever it is read."""
    ticks = count(0.0)

    def clock() -> float:
        return next(ticks)

    config, data = trial()
    whole = attempted(config, data, clock=clock)
    tally = json.loads(members_of(checkpoints(whole)[6].content)[ABOUT])["tally"]
    rest = outcome_of(attempted(config, data, checkpoints(whole)[6].content, clock=clock))
    assert 0 < tally["seconds"] < rest.seconds
    assert (tally["probe_seconds"], rest.probe_seconds) == (1.0, 3.0)
    assert outcome_of(whole).probe_seconds == 3.0


def test_a_seed_that_diverged_before_is_named_after() -> None:
    """Also if no later row would show it."""
    config, data, whole = everything()

    def diverged(about: dict[str, Any]) -> None:
        about["tally"]["diverged"] = [False, True]

    content = about_with(checkpoints(whole)[5].content, diverged)
    outcome = outcome_of(attempted(config, data, content))
    assert (outcome.status, outcome.diverged_seeds) == ("diverged", config.seeds[1:])


def test_another_process_goes_on_where_one_stopped() -> None:
    config, data, whole = everything()

    def in_a_process(job: Job) -> list[Event]:
        executor = LocalExecutor(data, 1)
        executor.submit(job)
        events = list(executor.events())
        executor.close()
        return events

    first = in_a_process(Job(config, config.trial_id, 0, checkpoint_seconds=0.0))
    step, checkpoint = max(checkpoints(first).items())
    rest = in_a_process(Job(config, config.trial_id, 1, checkpoint.content))
    assert together(until(first, step), rest) == rows_of(whole)
    assert told(outcome_of(rest)) == told(outcome_of(whole))


# When a checkpoint is due.


class Clock:
    """A clock that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_trial_that_ends_before_the_first_is_due_sends_none() -> None:
    config, data = trial()
    events = list(run_trial(Job(config, config.trial_id, 0), data, clock=Clock()))
    assert outcome_of(events).status == "completed" and not checkpoints(events)


def stepping(clock: Clock, seconds: float) -> Trainer:
    """Training whose steps take this long."""

    def trainer(
        training: Training,
        splits: Splits,
        start: Snapshot | None,
        wanted: Callable[[], bool],
        until: int | None,
    ) -> Iterator[Record]:
        def asked() -> bool:
            clock.now += seconds
            return wanted()

        return train(training, splits, start, asked, until)

    return trainer


def test_checkpoints_come_in_their_interval() -> None:
    """A checkpoint is due every 10 seconds, and a step takes 4."""
    clock = Clock()
    config, data = trial()
    job = Job(config, config.trial_id, 0)
    events = list(run_trial(job, data, clock=clock, trainer=stepping(clock, 4.0)))
    assert list(checkpoints(events)) == [3, 6, 9]


def test_one_that_takes_long_to_hand_over_is_followed_by_a_rest() -> None:
    """The rest is twenty times as long: a step takes 1 s, and a checkpoint 0.25 s."""
    clock = Clock()
    config, data = trial()
    job = Job(config, config.trial_id, 0, checkpoint_seconds=0.0)
    assert len(checkpoints(list(run_trial(job, data, clock=clock)))) == STEPS - 1
    sent = []
    for event in run_trial(job, data, clock=clock, trainer=stepping(clock, 1.0)):
        if isinstance(event, Checkpoint):
            sent.append(event.step)
            clock.now += 0.25
    assert sent == [1, 6, 11]
