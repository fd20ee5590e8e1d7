"""`caviar status`: one run, several, all of them, as data, and again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from caviar.runner.cli.status import WATCH_SECONDS, watched
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.verify.state import RunState
from tests.runner.helpers import TINY, caviar, ended_well, settings_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs under `runs/`, and something that is none."""
    folder = tmp_path_factory.mktemp("status")
    for name in ("runs/one", "runs/two"):
        words = ("--trials", "1", "--on", "inline", "--no-report", "--out", name)
        ended_well("run", *settings_of(TINY), *words, cwd=folder)
    (folder / "runs/thesis").mkdir()
    return folder


def test_without_a_run_all_are_shown(folder: Path) -> None:
    output = ended_well("status", cwd=folder)
    assert [line for line in output.splitlines() if line.startswith("runs/")] == [
        "runs/one",
        "runs/two",
    ]
    assert output.count("1 of 1 trials done") == 2


def test_as_data_it_is_a_list_whatever_is_asked_for(folder: Path) -> None:
    (run,) = json.loads(ended_well("status", "--json", "runs/two", cwd=folder))
    assert (run["run"], run["state"], run["completed"], run["rows"]) == (
        *("runs/two", "finished"),
        *(1, 164),
    )
    assert len(json.loads(ended_well("status", "--json", cwd=folder))) == 2


def test_where_no_run_lies_it_says_so(tmp_path: Path) -> None:
    done = caviar("status", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no run lies under 'runs' here" in done.stderr


def watching(run: Path, sleep: Callable[[float], None]) -> list[str]:
    shown: list[str] = []

    def show(states: Sequence[RunState]) -> None:
        shown.extend(state.state for state in states)

    watched([str(run)], show, lambda: 0.0, sleep)
    return shown


def test_watching_ends_when_no_run_is_running(folder: Path) -> None:
    held = LocalFolder(folder / "runs/one").hold()
    held.__enter__()
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            held.__exit__(None, None, None)

    assert watching(folder / "runs/one", sleep) == ["running", "running", "finished"]
    assert naps == [WATCH_SECONDS, WATCH_SECONDS]


def test_ctrl_c_ends_watching(folder: Path) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with LocalFolder(folder / "runs/one").hold():
        assert watching(folder / "runs/one", interrupted) == ["running"]


def test_a_run_for_a_program_prints_its_state_alone(folder: Path) -> None:
    words = ("--trials", "1", "--on", "inline", "--no-report", "--out", "runs/two", "--json")
    done = caviar("run", *settings_of(TINY), *words, cwd=folder)
    (run,) = json.loads(done.stdout)
    assert (done.returncode, run["run"], run["completed"]) == (0, "runs/two", 1)
    assert "0 trials to run: starting workers" in done.stderr


def test_a_plan_for_a_program(folder: Path) -> None:
    plan = json.loads(ended_well("run", "--dry-run", "--json", *settings_of(TINY), cwd=folder))
    assert (plan["study"], plan["trials"], plan["seeds"]) == ("quickstart", 4, 2)
    assert plan["lines"][0].startswith("study quickstart (")
