"""The report of a run: the answer first, then faults, then where the page lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caviar.runner.cli.report import written
from caviar.runner.errors import RequestError, StorageError
from tests.faults.program import run_here
from tests.runner.helpers import TINY, parts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "run"
    run_here(root, *TINY)
    return root


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def test_the_page_is_written_and_its_place_said_last(run: Path) -> None:
    answer, *faults, last = written(str(run))
    assert "quickstart on wine: 4 of 4 trials" in answer and faults == []
    assert last == f"report: {run}/report/index.html"
    assert (run / "report/index.html").is_file() and (run / "report/tables/losses.csv").is_file()


def test_faults_are_said_before_the_place(run: Path) -> None:
    for part in parts(run, "noise"):
        part.unlink()
    _, *faults, last = written(str(run))
    assert faults and all(line.startswith("FAULT") for line in faults)
    assert last.startswith("report: ")


def test_a_run_without_an_end_has_no_report(run: Path) -> None:
    for part in parts(run, "outcomes"):
        part.unlink()
    (line,) = written(str(run))
    assert line.startswith("no report: no trial of ") and not (run / "report").exists()


def test_a_damaged_run_is_refused(run: Path) -> None:
    parts(run, "curves")[0].write_bytes(b"PAR1 half")
    with pytest.raises(RequestError, match=r"curves/part-000000\.parquet in .* cannot be read"):
        list(written(str(run)))


def test_a_report_that_cannot_be_written_is_a_sentence(run: Path, tmp_path: Path) -> None:
    (run / "report").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="cannot write the report of "):
        list(written(str(run)))
