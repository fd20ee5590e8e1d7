"""The page of conventions says what the rows say, and the command prints the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from caviar.model.averages.frameworks import ALL
from caviar.runner.cli.conventions import HEADER, cells, markdown
from tests.runner.helpers import ended_well

ROOT = Path(__file__).parents[3]


def test_the_page_is_not_stale() -> None:
    assert (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8") == markdown()


def test_the_command_prints_every_row(tmp_path: Path) -> None:
    printed = ended_well("conventions", cwd=tmp_path).splitlines()
    assert len(printed) == 1 + len(ALL)
    assert [line.split()[0] for line in printed[1:]] == list(ALL)
    as_data = json.loads(ended_well("conventions", "--json", cwd=tmp_path))
    assert as_data == [asdict(row) for row in ALL.values()]


def test_every_row_has_words_for_every_column() -> None:
    for row in ALL.values():
        assert len(cells(row)) == len(HEADER)
        assert all(cells(row))
