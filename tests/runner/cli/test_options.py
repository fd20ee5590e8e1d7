"""What the options of `caviar run` take and refuse before a study is read."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from caviar.runner.cli.options import _workers
from tests.runner.helpers import caviar, ended_well


@pytest.mark.parametrize("words", [("run", "--dry-run", "--out"), ("status",), ("report",)])
def test_a_place_that_is_not_utf_8_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    done = caviar(*words, "r\udcff", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "caviar: 'r\\udcff' is not UTF-8; use another name\n"


@pytest.mark.parametrize(
    "words",
    [
        *(("--workers", "0"), ("--workers", "many"), ("--trials", "0")),
        *(("--on", "moon"), ("--dry-run=1",)),
    ],
)
def test_a_value_out_of_range_is_exit_code_two(words: tuple[str, ...], tmp_path: Path) -> None:
    done = caviar("run", *words, cwd=tmp_path)
    assert done.returncode == 2 and words[0].partition("=")[0] in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_the_number_of_workers_may_be_left_to_caviar() -> None:
    assert [_workers(text) for text in ("auto", "1", "64")] == [None, 1, 64]


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert ended_well("--version", cwd=tmp_path) == f"caviar {version('caviar')}\n"


def test_a_shell_completes_commands(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("caviar")
    if not script.exists():
        pytest.skip(f"the package is not installed: no {script}")
    asked = {"_CAVIAR_COMPLETE": "complete_bash", "COMP_WORDS": "caviar st", "COMP_CWORD": "1"}
    done = subprocess.run(
        [script], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["status"]
