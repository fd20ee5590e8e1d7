"""What is printed at the end of a run, by the run itself and by `caviar report`."""

from __future__ import annotations

from pathlib import Path

from tests.runner.helpers import TINY, ended_well, settings_of


def test_a_run_ends_with_what_its_report_says(tmp_path: Path) -> None:
    run = ended_well("run", *settings_of(TINY), "--on", "inline", "--out", "run", cwd=tmp_path)
    report = ended_well("report", "run", cwd=tmp_path)
    assert run.endswith(report) and report.splitlines()[-1] == "report: run/report/index.html"
