"""The scorecard's two pages: the README's table is that of docs/scorecard.md, shortened."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from caviar.analysis.scorecard.registry import CLAIMS
from studies.scorecard import short

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scorecard.md"


def test_the_readme_s_table_is_that_of_the_scorecard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scorecard.py", "--short", str(PAGE)])
    runpy.run_path(str(ROOT / "studies" / "scorecard.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed == short(PAGE.read_text(encoding="utf-8")) + "\n"
    assert f"\n{printed}\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_claim_of_the_project_is_in_it_in_the_registry_s_order() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "][2:]
    cells = [row.strip("| ").split(" | ")[:2] for row in rows]
    assert cells == [[claim.source, claim.text] for claim in CLAIMS]


def test_seeds_that_are_not_the_column_s_are_said() -> None:
    page = (
        "Made by hand.\n\n| source | claim | digits | wine |\n| --- | --- | --- | --- |\n"
        "| A 2001 | So: it is. | **confirmed**: 1 [0.5, 2] nats (all (4)), 20 seeds, `a` | – |\n"
        "| B | It is not. | **refuted**: −1 [−2, −0.5] nats (m = 8), 20 seeds, `a` | "
        "**inconclusive**: 0 [−1, 1] nats (m = 8), 5 seeds, `b` |\n"
        "| C | Or else. | **confirmed**: 3 [2, 4] nats (m = 8), 17 seeds, `a` | – |\n"
    )
    assert short(page).splitlines() == [
        "| source | claim | digits, 20 seeds | wine, 5 seeds |",
        "| --- | --- | --- | --- |",
        "| A 2001 | So: it is. | confirmed, 1 [0.5, 2] nats | – |",
        "| B | It is not. | refuted, −1 [−2, −0.5] nats | inconclusive, 0 [−1, 1] nats |",
        "| C | Or else. | confirmed, 3 [2, 4] nats, 17 seeds | – |",
    ]
