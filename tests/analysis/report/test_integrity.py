"""What verifying a run said stands in its report; what was not verified is called so."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.integrity import NOT_VERIFIED, Check, checks, verdict
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.analysis.page import page_without_figures
from tests.analysis.synthetic import crossed, results_in, run_of
from tests.runner.helpers import TINY, ended_well, parts, settings_of

HOSTILE = "FAULT  <script>alert(1)</script> cannot be read"
LINES = ("ok     21 trials planned, each once", HOSTILE, "ok     no duplicate rows")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    levels = {"norm_batch_size": [8, 256]}
    return results_in(run_of(tmp_path_factory.mktemp("run"), crossed(levels), scientific=levels))


def test_lines_are_read_as_they_are_printed() -> None:
    assert checks(LINES) == (
        Check(True, "21 trials planned, each once"),
        Check(False, "<script>alert(1)</script> cannot be read"),
        Check(True, "no duplicate rows"),
    )


def test_a_line_of_another_form_is_a_fault_and_shown_whole() -> None:
    assert checks(["okay so far", "", "disk gone"]) == (
        Check(False, "okay so far"),
        Check(False, ""),
        Check(False, "disk gone"),
    )


def test_faults_are_named_in_the_verdict_box_and_in_their_part(
    small: Results, tmp_path: Path
) -> None:
    page = page_without_figures(small, tmp_path, LINES)
    says = "FAULT <script>alert(1)</script> cannot be read"
    listed = page.texts["li"]
    assert listed[0] == says and listed[-3:] == [
        "ok 21 trials planned, each once",
        says,
        "ok no duplicate rows",
    ]
    assert any("1 of 3 checks found a fault" in text for text in page.texts["p"])
    assert len(page.all("script")) == 1 and [a for a in page.all("div") if a.get("role") == "alert"]


def test_a_whole_run_has_no_alarm(small: Results, tmp_path: Path) -> None:
    page = page_without_figures(small, tmp_path, LINES[::2])
    assert "Verified when this report was written: 2 checks, no fault." in page.texts["p"]
    assert not [a for a in page.all("div") if a.get("role") == "alert"]
    assert not any("FAULT" in text for text in page.texts["li"])


def test_a_run_that_nobody_verified_is_called_so(small: Results, tmp_path: Path) -> None:
    page = page_without_figures(small, tmp_path, ())
    assert verdict(()) == NOT_VERIFIED and NOT_VERIFIED in page.texts["p"]
    assert not any("no fault" in text for text in page.texts["p"])


def test_the_lines_of_verify_are_understood(tmp_path: Path) -> None:
    """A run with a row table taken away: as many faults as the verifier counts, word for word."""
    flags = ("--on", "inline", "--no-report", "--out", "run")
    ended_well("run", *settings_of(TINY), *flags, cwd=tmp_path)
    root = tmp_path / "run"
    whole = verify_run(storage_at(root))
    assert not whole.faults and all(check.holds for check in checks(whole.lines))
    parts(root, "curves")[0].unlink()
    broken = verify_run(storage_at(root))
    verified = checks(broken.lines)
    assert sum(not check.holds for check in verified) == broken.faults > 0
    for check, line in zip(verified, broken.lines, strict=True):
        assert line.endswith(check.says)
