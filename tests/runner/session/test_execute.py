"""Carrying out a plan: resuming, stopping cleanly, and refusing a second writer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError, WorkersError
from caviar.runner.executors.executor import Executor
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.execute import execute
from caviar.runner.session.interrupt import SIGNALS
from caviar.runner.session.loop import Progress
from caviar.runner.session.output import CLOSED
from caviar.runner.session.pace import Pace
from caviar.runner.session.run_folder import read_study_json, remaining
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Event, Job, WorkerDied
from caviar.runner.trial.run_trial import run_trial
from caviar.runner.verify.run import verify_run
from tests.faults.test_parts import pages_end
from tests.runner.helpers import TINY, plan_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(*TINY)


def at_once() -> NoReturn:
    raise AssertionError("nobody asked twice")


def carried_out(
    plan: Plan, root: Path, make: Callable[[int], Executor], command: str = "test"
) -> Progress:
    return execute(plan, storage_at(root), make, command, at_once)


def test_what_is_left_is_run_and_then_nothing(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: list[int] = []

    def make(jobs: int) -> Executor:
        counts.append(jobs)
        return InlineExecutor(plan.data)

    first = carried_out(plan, tmp_path / "run", make, "the first")
    again = carried_out(plan, tmp_path / "run", make, "the second")
    assert counts == [4, 0] and (first.done, again.done) == (4, 4)
    lines = capsys.readouterr().out.splitlines()
    topics = [line.split(":")[0] for line in lines[:4]]
    assert topics == ["data, rows", "data, features", "data, scaling", "data, classes"]
    other_lines = [line for line in lines if not line.startswith("data, ")]
    assert other_lines[0] == "4 trials to run: starting workers"
    assert other_lines[1].startswith("4/4 trials · 0 running · 0 failed")
    assert other_lines[2] == f"resuming {tmp_path / 'run'}: 4 of 4 trials are done"
    sessions = read_study_json(storage_at(tmp_path / "run"))["sessions"]
    assert [session["command"] for session in sessions] == ["the first", "the second"]
    assert not verify_run(storage_at(tmp_path / "run")).faults


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_it_in_order(number: signal.Signals, plan: Plan, tmp_path: Path) -> None:
    """It stops between two events, with every sent row on disk, and restores the handlers."""
    before = signal.getsignal(number)

    def signalled(job: Job, data: Data) -> Iterator[Event]:
        yield from run_trial(job, data)
        signal.raise_signal(number)

    progress = carried_out(
        plan, tmp_path / "run", lambda jobs: InlineExecutor(plan.data, signalled)
    )
    assert progress.interrupted and signal.getsignal(number) is before
    storage = storage_at(tmp_path / "run")
    assert len(remaining(storage, plan)) == 4 - sum(progress.outcomes.values())


def test_nohup_is_heeded(plan: Plan, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def hung_up(job: Job, data: Data) -> Iterator[Event]:
        yield from run_trial(job, data)
        signal.raise_signal(signal.SIGHUP)

    try:
        progress = carried_out(
            plan, tmp_path / "run", lambda jobs: InlineExecutor(plan.data, hung_up)
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not progress.interrupted and progress.done == 4


def test_an_output_that_is_closed_stops_it_in_order(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        progress = execute(
            plan,
            storage_at(tmp_path / "run"),
            lambda jobs: InlineExecutor(plan.data),
            "test",
            at_once,
            pace=Pace(line_seconds=0.0),
        )
    assert progress.interrupted and progress.done < 4
    assert capsys.readouterr().err == f"caviar: {CLOSED}\n"
    assert not any("stand twice" in f for f in verify_run(storage_at(tmp_path / "run")).lines)
    monkeypatch.undo()
    again = carried_out(plan, tmp_path / "run", lambda jobs: InlineExecutor(plan.data))
    assert again.done == 4 and not verify_run(storage_at(tmp_path / "run")).faults


def test_an_executor_that_does_not_start_leaves_the_place_free(plan: Plan, tmp_path: Path) -> None:
    def refused(jobs: int) -> Executor:
        raise RequestError("no cluster answers")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RequestError, match="no cluster answers"):
        carried_out(plan, tmp_path / "run", refused)
    assert signal.getsignal(signal.SIGINT) is before
    with storage_at(tmp_path / "run").hold():
        with pytest.raises(RequestError, match="another caviar is writing"):
            carried_out(plan, tmp_path / "run", lambda jobs: InlineExecutor(plan.data))


def test_workers_are_closed_where_the_loop_fails(plan: Plan, tmp_path: Path) -> None:
    closed = []

    class Failing(InlineExecutor):
        def events(self) -> NoReturn:
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)

    with pytest.raises(ZeroDivisionError):
        carried_out(plan, tmp_path / "run", lambda jobs: Failing(plan.data))
    assert closed == [True]


@pytest.mark.parametrize("never_ran", [True, False])
def test_workers_that_cannot_start_end_the_run_with_the_cause(
    never_ran: bool, plan: Plan, tmp_path: Path
) -> None:
    class Failing(InlineExecutor):
        def events(self) -> Iterator[Event]:
            while self._queue:
                reason = "ModuleNotFoundError: No module named 'caviar'"
                yield WorkerDied(self._queue.popleft(), reason, never_ran=never_ran)

    if not never_ran:
        failed = carried_out(plan, tmp_path / "run", lambda jobs: Failing(plan.data))
        assert failed.outcomes == {"failed": 4}
        return
    with pytest.raises(WorkersError, match="5 failed in a row: ModuleNotFoundError: No module"):
        carried_out(plan, tmp_path / "run", lambda jobs: Failing(plan.data))
    again = carried_out(plan, tmp_path / "run", lambda jobs: InlineExecutor(plan.data))
    assert again.done == 4 and not verify_run(storage_at(tmp_path / "run")).faults


@pytest.mark.parametrize(("most", "merged"), [(1, True), (2, True), (3, False)])
def test_many_part_files_are_merged_when_a_run_ends(
    most: int,
    merged: bool,
    plan: Plan,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each of three sessions leaves a part of most tables; the last one merges them."""
    for trials in (1, 2, 4):
        some = plan_of(*TINY, trials=trials)
        pace = Pace(most_parts=most if trials == 4 else 100)
        run_inline(some, tmp_path / "run", pace)
    curves = sorted(path.name for path in (tmp_path / "run/curves").iterdir())
    assert (curves == ["part-000000to000002.parquet"]) is merged and len(curves) in (1, 3)
    assert ("part files are 7 now" in capsys.readouterr().out) is merged
    assert not verify_run(storage_at(tmp_path / "run")).faults


def run_inline(plan: Plan, root: Path, pace: Pace) -> Progress:
    def make(jobs: int) -> Executor:
        return InlineExecutor(plan.data)

    return execute(plan, storage_at(root), make, "test", at_once, pace=pace)


def test_a_part_that_cannot_be_merged_is_told_and_costs_no_run(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for trials in (2, 4):
        run_inline(plan_of(*TINY, trials=trials), tmp_path / "run", Pace())
    part = tmp_path / "run/curves/part-000001.parquet"
    content = bytearray(part.read_bytes())
    content[pages_end(part) - 9] ^= 1  # In the last column, which a session need not read.
    part.write_bytes(content)
    assert run_inline(plan, tmp_path / "run", Pace(most_parts=1)).done == 4
    assert "part files are left as they are: curves/part-000001" in capsys.readouterr().out
