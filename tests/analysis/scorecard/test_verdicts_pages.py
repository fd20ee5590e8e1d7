"""The scorecard's two pages: the README's table is the one of docs/scorecard.md, shortened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from caviar.analysis.scorecard.hypotheses import HYPOTHESES
from caviar.analysis.scorecard.literature import CLAIMS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "scorecard.md"


def short(page: Path) -> str:
    script = ROOT / "studies" / "scorecard.py"
    done = subprocess.run(
        [sys.executable, script, "--short", page],
        cwd=page.parent,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_the_readme_s_table_is_that_of_the_scorecard() -> None:
    assert f"\n{short(PAGE)}\n\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_claim_of_the_project_is_in_it() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "][2:]
    claims = [row.split(" | ")[1] for row in rows]
    assert sorted(claims) == sorted(claim.says for claim in (*CLAIMS, *HYPOTHESES))


def test_seeds_that_are_not_the_column_s_are_said(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Made by hand.\n\n| source | claim | digits | wine |\n| --- | --- | --- | --- |\n"
        "| A 2001 | So: it is. | **confirmed**: 1 [0.5, 2] nats (all (4)), 20 seeds, `a` | – |\n"
        "| B | It is not. | **refuted**: −1 [−2, −0.5] nats (m = 8), 20 seeds, `a` | "
        "**inconclusive**: 0 [−1, 1] nats (m = 8), 5 seeds, `b` |\n"
        "| C | Or else. | **confirmed**: 3 [2, 4] nats (m = 8), 17 seeds, `a` | – |\n",
        encoding="utf-8",
    )
    assert short(page).splitlines() == [
        "| source | claim | digits, 20 seeds | wine, 5 seeds |",
        "| --- | --- | --- | --- |",
        "| A 2001 | So: it is. | confirmed, 1 [0.5, 2] nats | – |",
        "| B | It is not. | refuted, −1 [−2, −0.5] nats | inconclusive, 0 [−1, 1] nats |",
        "| C | Or else. | confirmed, 3 [2, 4] nats, 17 seeds | – |",
    ]
