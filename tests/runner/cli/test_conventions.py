"""The page of conventions says what the rows say, and the command prints the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.conventions import HEADER, cells, markdown

ROOT = Path(__file__).parents[3]


def caviar(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "conventions", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_page_is_not_stale() -> None:
    assert (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8") == markdown()


def test_the_command_prints_every_row() -> None:
    printed = caviar().splitlines()
    assert len(printed) == 1 + len(ALL)
    assert [line.split()[0] for line in printed[1:]] == list(ALL)
    assert json.loads(caviar("--json")) == [asdict(row) for row in ALL.values()]


def test_every_row_has_words_for_every_column() -> None:
    for row in ALL.values():
        assert len(cells(row)) == len(HEADER)
        assert all(cells(row))
