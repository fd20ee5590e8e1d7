"""`caviar panda`: begun, steered, stopped and gone on with, as the program itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from caviar.runner.cli.carry_out import carried_out
from tests.runner.forked import forked_driver, forked_worker, killed_at_the_end
from tests.runner.helpers import caviar, ended_well, settings_of
from tests.runner.panda.live import (
    asked,
    must_equal_its_uninterrupted_self,
    until,
    worker_of,
)
from tests.runner.panda.pandas import STUDY, plan_of_one

SET = settings_of(STUDY)
PACED = ("--no-screen", "--pace", "40", "--out", "run")
PLAN = plan_of_one()
CARRY_OUT = partial(carried_out, start_process=forked_worker)


@contextmanager
def program(cwd: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = forked_driver(CARRY_OUT, "panda", *words, cwd=cwd)
    with killed_at_the_end(process):
        yield process


def listens(cwd: Path) -> bool:
    return asked(cwd / "run", "pause") is not None


def test_an_unsteered_panda_is_a_plain_run_that_ends_by_itself(tmp_path: Path) -> None:
    done = ended_well("panda", "--no-screen", *SET, cwd=tmp_path)
    assert "wine, 6, batch norm, m = 4, decay 0.9, 2 seeds, 120 steps" in done
    assert "one of the 4 trials of the study is trained" in done
    assert "steer it: caviar control runs/panda-quickstart set" in done
    assert "trained to the end, 0 edited trainings beside its twin" in done
    ended_well("panda", "--no-screen", *SET, "--trial", "2", cwd=tmp_path)
    assert (tmp_path / "runs" / "panda-quickstart-2" / "study.json").exists()
    assert "every trial has an outcome" in ended_well(
        "verify", "runs/panda-quickstart", cwd=tmp_path
    )


def test_ctrl_c_leaves_rows_whole_and_it_goes_on(tmp_path: Path) -> None:
    with program(tmp_path, *PACED, *SET) as process:
        until(lambda: listens(tmp_path))
        assert asked(tmp_path / "run", "set momentum=0.5") is not None
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted after step" in out
    assert "go on with: caviar panda --resume run" in out
    done = ended_well("panda", "--no-screen", "--resume", "run", cwd=tmp_path)
    assert "trained to the end, 1 edited training beside its twin" in done
    assert must_equal_its_uninterrupted_self(tmp_path / "run", PLAN) == 2


def test_whoever_asks_to_stop_ends_it_in_order(tmp_path: Path) -> None:
    with program(tmp_path, *PACED, *SET) as process:
        until(lambda: listens(tmp_path))
        assert asked(tmp_path / "run", "stop") is not None
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped after step" in out


def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    with program(tmp_path, *PACED, *SET) as process:
        until(lambda: listens(tmp_path))
        worker = worker_of(process.pid)
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        assert asked(tmp_path / "run", "set momentum=0.5") is not None
        assert asked(tmp_path / "run", "finish") is not None
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "killed by SIGKILL" in out
    assert must_equal_its_uninterrupted_self(tmp_path / "run", PLAN) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--address", "auto"), "--address names a Ray cluster; add --on ray"),
        (("--resume", "run", "--seed", "3"), "--resume goes on with a run as it was begun"),
        (("--resume", "nowhere"), "'nowhere' is not a run"),
        (("--trial", "9"), "the study has no trial '9'; give a number from 1 to 4"),
        (("--out", "s3://bucket/run"), "needs a run in a folder"),
        (("--on", "inline"), "use --on local"),
        (("--pace", "0"), "--pace takes steps per second, a number above 0; got 0"),
        (("--pace", "nan"), "--pace takes steps per second, a number above 0; got nan"),
        (("--set", "learning_rte=1"), "unknown key 'learning_rte'"),
    ],
)
def test_wrong_words_are_one_sentence(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    study = [] if "--resume" in words else SET
    done = caviar("panda", "--no-screen", *study, *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.rglob("*.parquet"))
