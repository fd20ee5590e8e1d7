"""The log of a run: whole lines, in order, whatever ends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.session.loop import Progress
from caviar.runner.session.run_log import LOG, RunLog, last_session, read_log
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.trial.events import Idle, Job, Outcome, Started, WorkerDied, WorkerStarted
from tests.runner.helpers import TINY, jobs_of, plan_of

JOB: Job = jobs_of(plan_of(*TINY))[0]


def test_what_happens_is_logged_in_order(tmp_path: Path) -> None:
    folder, state = LocalFolder(tmp_path), Progress(2, 0, {})
    told: list[str] = []
    log = RunLog(folder, lambda: 0.0, tell=told.append)
    log.begin("caviar run", 2, 0)
    log(state, WorkerStarted("near", 7))
    log(state, Started(JOB.trial_id, 0))
    log(state, WorkerDied(JOB, "killed by SIGKILL", host="far"))
    state.settled = [Outcome(JOB.trial_id, 1, "failed", error="E: no", traceback="long")]
    log(state, Idle())
    state.settled = []
    log.end(state)
    lines = list(read_log(folder))
    assert [line["event"] for line in lines] == [
        *("begin", "worker", "start", "death", "end", "finished")
    ]
    assert [line.split()[1] for line in told] == [line["event"] for line in lines]
    assert told[1] == "1970-01-01T00:00:00Z worker host=near process=7"
    assert " reason=killed by SIGKILL retried=true" in told[3]
    del lines[1]
    assert lines[0]["process"] and lines[0]["command"] == "caviar run"
    assert lines[2] == {
        **{"time": "1970-01-01T00:00:00Z", "event": "death", "trial": JOB.trial_id, "attempt": 0},
        **{"host": "far", "machine_lost": False, "reason": "killed by SIGKILL", "retried": True},
    }
    assert (lines[3]["status"], lines[3]["error"]) == ("failed", "E: no")
    assert "traceback" not in lines[3]


def test_lines_wait_as_long_as_the_place_asks_and_failures_do_not(tmp_path: Path) -> None:
    now = [0.0]
    folder, state = LocalFolder(tmp_path), Progress(2, 0, {})
    log = RunLog(folder, lambda: now[0])
    for moment, event, written in (
        (0.1, Started("a", 0), 0),
        (1.0, Idle(), 0),
        (1.1, Idle(), 1),
        (1.2, Started("b", 0), 1),
        (1.3, WorkerDied(JOB, "gone"), 3),
    ):
        now[0] = moment
        log(state, event)
        assert len(list(read_log(folder))) == written, moment


@pytest.mark.parametrize("torn", ['{"event": "sta', "[1]", "{}", "\x00\xff"])
def test_a_torn_line_costs_itself_alone(torn: str, tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    RunLog(folder).begin("the first", 2, 0)
    with (tmp_path / LOG).open("a", encoding="latin-1") as file:
        file.write(torn)
    RunLog(folder).begin("the second", 2, 0)
    assert [line["command"] for line in read_log(folder)] == ["the first", "the second"]
    session = last_session(folder)
    assert session is not None and session.begin["command"] == "the second"
