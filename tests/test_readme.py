"""The README's commands and code are what a reader pastes: they must run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.helpers import caviar, ended_well

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the quickstart ran, made small."""
    folder = tmp_path_factory.mktemp("readme")
    small = [
        *("--set", "budget.epochs=2", "--set", "replicas=5"),
        *("--set", "hidden=[16,16]", "--set", "draws.count=1"),
    ]
    ended_well("run", "--workers", "2", "--no-report", *small, cwd=folder)
    return folder


def test_the_five_lines_of_pandas_run(folder: Path) -> None:
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) == 5
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "population" in done.stdout
    assert "test_loss" in done.stdout


def test_every_study_command_is_accepted(folder: Path) -> None:
    (folder / "studies").symlink_to(ROOT / "studies")
    (folder / "mine.csv").write_text("a,class\n" + "".join(f"{i},{i % 2}\n" for i in range(3000)))
    shell = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in shell if line.startswith("caviar run studies")]
    assert len(commands) >= 4
    for command in commands:
        arguments = shlex.split(command, comments=True)[1:]
        done = caviar(*arguments, "--dry-run", cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), command


def test_the_test_line_is_what_ci_runs() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert sum("pytest" in line for line in lines) == 1
    assert sum(line.endswith("caviar run") for line in lines) == 1


def test_every_study_is_listed_and_every_listed_study_exists() -> None:
    listed = set(re.findall(r"`studies/([a-z0-9-]+\.toml)` \|", README))
    assert listed == {path.name for path in (ROOT / "studies").glob("*.toml")}


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
