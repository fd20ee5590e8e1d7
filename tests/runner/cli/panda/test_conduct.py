"""A panda from a study: what is held open is closed, and its log says how it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caviar.runner.cli.panda.conduct import begun, free_folder
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.verify.state import state_of
from tests.runner.forked import local_workers
from tests.runner.helpers import plan_of
from tests.runner.panda.live import HOW, live, live_again, until
from tests.runner.panda.pandas import STUDY, plan_of_one


def events(root: Path) -> list[str]:
    lines = (root / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_the_log_says_how_each_session_ended(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with live(plan_of_one(), root) as panda:
        assert LocalFolder(root).is_held(0.0)
        assert state_of(LocalFolder(root), 0.0).state == "running"
        panda.ask("pause", "test")
    assert not LocalFolder(root).is_held(0.0) and not local_workers()
    assert events(root) == ["begin", "interrupted"]
    assert state_of(LocalFolder(root), 0.0).state == "stopped"
    with live_again(root) as panda:
        panda.ask("finish", "test")
        until(lambda: panda.ended)
    assert events(root)[2:] == ["begin", "finished"]
    assert state_of(LocalFolder(root), 0.0).state == "finished"


def test_a_study_of_several_trials_says_which_is_trained(tmp_path: Path) -> None:
    plan = plan_of(*STUDY)
    with begun(plan, "3", str(tmp_path / "run"), HOW) as panda:
        (line,) = panda.view().log
    trial = plan.trials[2].trial_id
    assert (
        line.text
        == f"one of the 4 trials of the study is trained, {trial}; --trial chooses another"
    )


def test_a_panda_that_stays_can_be_edited_when_all_is_trained(tmp_path: Path) -> None:
    with live(plan_of_one(), tmp_path / "run", HOW._replace(stays=True)) as panda:
        panda.ask("snapshot a --at 60", "test")
        panda.ask("finish", "test")
        until(lambda: panda.view().ended)
        panda.ask("pause", "test")
        assert panda.ask("rewind a", "test").accepted
        assert panda.ask("set momentum=0.5", "test").step == 60
        panda.ask("go", "test")
        until(lambda: panda.view().ended)
        assert [one.state for one in panda.view().lineages] == ["ended", "ended"]


def test_a_folder_that_is_taken_is_numbered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert free_folder("x") == "runs/panda-x"
    for name in ("panda-x", "panda-x-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert free_folder("x") == "runs/panda-x-3"
