"""The state of a run: counts, rates and who writes, from what lies on disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest

from caviar.runner.session.loop import Progress
from caviar.runner.session.run_log import RunLog
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.events import Idle, Job, Outcome, Started, WorkerDied
from caviar.runner.verify.state import state_of, summary, text
from tests.runner.helpers import TINY, jobs_of, plan_of
from tests.runner.verify.damage import TRIALS, rewritten

NOW = 1_000_000_000.0
JOB: Job = jobs_of(plan_of(*TINY))[0]


def logged(folder: LocalFolder, end: bool = False) -> None:
    """A session of which two trials are started, one of them by a worker that died."""
    state = Progress(8, 2, {}, rows=500, clock=lambda: NOW)
    state.started, state.cost_done, state.cost_in_all = NOW - 10, 1.0, 4.0
    log = RunLog(folder, lambda: NOW, progress_seconds=0.0)
    log.begin("caviar run", 8, 2)
    for event in (Started("a", 0), Started(JOB.trial_id, 0), WorkerDied(JOB, "gone"), Idle()):
        log(state, event)
    if end:
        log.end(state)


def test_a_finished_run(good: Path) -> None:
    state = state_of(LocalFolder(good), NOW)
    assert (state.state, state.trials, state.done, state.rows) == ("finished", 4, 4, 656)
    assert summary(state) == (
        "quickstart: 4 of 4 trials done: 4 completed, 0 diverged; 0 failed, 0 lost, 0 not yet tried"
    )
    assert state.process is not None and state.rows_per_second is not None
    assert (state.seconds_left, state.running_trials, state.failures) == (None, [], [])


def test_a_running_run_has_a_writer_a_rate_and_time_left(run: Path) -> None:
    """500 rows in 10 s; a quarter of the cost took 10 s, so 30 s were left, 5 s ago."""
    folder = LocalFolder(run)
    with LocalFolder(run).hold():
        logged(folder)
        state = state_of(folder, NOW + 5)
        assert state.state == "running"
        assert (state.rows_per_second, state.seconds_left) == (50.0, 25.0)
        assert state.running_trials == ["a"]
        assert "running trials: a" in text(state) and "about 25 s left" in text(state)
    assert state_of(folder, NOW).running_trials == []


@pytest.mark.parametrize(("end", "expected"), [(False, "died"), (True, "stopped")])
def test_a_writer_that_is_gone_was_killed_or_ended(end: bool, expected: str, run: Path) -> None:
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], TRIALS[2])))
    logged(LocalFolder(run), end)
    assert state_of(LocalFolder(run), NOW).state == expected


def test_the_outcome_that_counts_is_counted_and_every_failure_named(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    sink = ParquetSink(LocalFolder(run))
    sink.commit(Outcome(TRIALS[0], 1, "lost", host="far", error="its machine is gone"))
    sink.commit(Outcome(TRIALS[1], 3, "failed", error="E: no"))
    sink.commit(Outcome(TRIALS[1], 2, "completed"))
    sink.close()
    state = state_of(LocalFolder(run), NOW)
    assert summary(state).endswith(
        "1 of 4 trials done: 1 completed, 0 diverged; 1 failed, 1 lost, 1 not yet tried"
    )
    shown = text(replace(state, run="R"))
    assert f"  trial {TRIALS[0]} lost on far: its machine is gone\n" in shown
    assert f"  trial {TRIALS[1]} failed: E: no\n" in shown
    assert f"`caviar replay R {state.failures[0].trial}` computes" in shown


def test_a_run_of_before_the_log_has_a_state_too(good: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(good, tmp_path / "old"))
    (old / "log.jsonl").unlink()
    state = state_of(LocalFolder(old), NOW)
    assert (state.state, state.process, state.rows_per_second) == ("finished", None, None)
    assert state.host and state.started
    assert f"finished; last run on {state.host} since" in text(state)
