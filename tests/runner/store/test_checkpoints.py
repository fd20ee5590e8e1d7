"""The checkpoints of a run: which of them count, and the rows up to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caviar.runner.store.checkpoints import (
    continued,
    forget_ended,
    kept_trials,
    key_of,
    uncounted,
)
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import TINY, plan_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*TINY, "curve_rows=12")  # a row after every step


@pytest.fixture
def storage(plan: Plan, tmp_path: Path) -> LocalFolder:
    """A run whose first trial was stopped after its last checkpoint."""
    storage = LocalFolder(tmp_path / "run")
    sink, job = ParquetSink(storage), job_of(plan)
    events = list(run_trial(job, plan.data))
    last = max(i for i, event in enumerate(events) if isinstance(event, Checkpoint))
    for event in events[: last + 1]:
        if isinstance(event, Block):
            sink.write(event)
        elif isinstance(event, Checkpoint):
            sink.checkpoint(event)
    sink.close()
    return storage


def job_of(plan: Plan, attempt: int = 0) -> Job:
    config = plan.trials[0]
    return Job(config, config.trial_id, attempt, checkpoint_seconds=0.0)


def test_a_trial_goes_on_with_its_rows_under_the_new_attempt(
    plan: Plan, storage: LocalFolder
) -> None:
    job = job_of(plan, attempt=3)
    assert kept_trials(storage) == {job.trial_id}
    resumed = continued(storage, [job])
    assert resumed.notes == [] and set(resumed.jobs) == {job.trial_id}
    again = resumed.jobs[job.trial_id]
    assert again.checkpoint and replace(again, checkpoint=None) == job
    assert {a for rows in resumed.rows.values() for a in rows["attempt"].to_pylist()} == {3}
    assert sum(rows.num_rows for rows in resumed.rows.values()) > 0


def test_one_whose_rows_are_not_all_there_does_not_count(plan: Plan, storage: LocalFolder) -> None:
    job = job_of(plan, attempt=1)
    for part in (storage.root / "curves").glob("part-*"):
        part.unlink()
    resumed = continued(storage, [job])
    assert resumed.jobs == {}
    (note,) = resumed.notes
    assert note.startswith(f"the checkpoint of trial {job.trial_id} does not count: ")
    assert "rows before it exist; the trial starts from the beginning" in note


@pytest.mark.parametrize("content", [b"", b"PK half a file"])
def test_one_that_cannot_be_read_does_not_count(
    content: bytes, plan: Plan, storage: LocalFolder
) -> None:
    trial = plan.trials[0].trial_id
    storage.write(key_of(trial), content)
    assert set(uncounted(storage, [trial])) == {trial}


def test_one_of_another_trial_does_not_count(plan: Plan, storage: LocalFolder) -> None:
    first, second = (config.trial_id for config in plan.trials[:2])
    content = (storage.root / key_of(first)).read_bytes()
    storage.write(key_of(second), content)
    assert uncounted(storage, [first, second]) == {second: f"it is of trial {first}"}


@pytest.mark.parametrize(
    ("status", "kept"), [("completed", 0), ("diverged", 0), ("failed", 0), ("lost", 1)]
)
def test_what_ended_is_forgotten(status: str, kept: int, plan: Plan, storage: LocalFolder) -> None:
    trial = plan.trials[0].trial_id
    content = (storage.root / key_of(trial)).read_bytes()
    sink = ParquetSink(storage)
    sink.commit(Outcome(trial, 0, status))  # type: ignore[arg-type]
    sink.close()
    storage.write(
        key_of(trial), content
    )  # As if the driver had been killed before it deleted this.
    forget_ended(storage)
    assert len(kept_trials(storage)) == kept
