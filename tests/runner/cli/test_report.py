"""The report of a run: first the answer, then faults, then the path of the page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caviar.runner.cli import report
from caviar.runner.cli.report import written
from caviar.runner.errors import InternalError, RequestError, StorageError
from caviar.runner.store.local_folder import LocalFolder
from tests.analysis.page import not_drawn
from tests.faults.program import run_here
from tests.runner.helpers import TINY, caviar, parts, settings_of


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "run"
    run_here(root, *TINY)
    return root


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def test_the_page_is_written_and_its_place_said_last(run: Path) -> None:
    answer, *faults, last = written(str(run), drawing=not_drawn)
    assert "quickstart on wine: 4 of 4 trials" in answer and faults == []
    assert last == f"report: {run}/report/index.html"
    assert (run / "report/index.html").is_file() and (run / "report/tables/losses.csv").is_file()


def test_faults_are_said_before_the_place_which_may_be_outside_of_the_run(
    run: Path, tmp_path: Path
) -> None:
    for part in parts(run, "noise"):
        part.unlink()
    _, *faults, last = written(str(run), drawing=not_drawn, out=str(tmp_path / "mine"))
    assert faults and all(line.startswith("FAULT") for line in faults)
    assert last == f"report: {tmp_path}/mine/report/index.html"
    assert (tmp_path / "mine/report/index.html").is_file() and not (run / "report").exists()


def test_a_run_without_an_end_has_no_report(run: Path) -> None:
    for part in parts(run, "outcomes"):
        part.unlink()
    (line,) = written(str(run), drawing=not_drawn)
    assert line.startswith("no report: no trial of ") and not (run / "report").exists()


def test_a_damaged_run_is_refused(run: Path) -> None:
    parts(run, "curves")[0].write_bytes(b"PAR1 half")
    with pytest.raises(RequestError, match=r"curves/part-000000\.parquet in .* cannot be read"):
        list(written(str(run), drawing=not_drawn))


def test_a_report_that_cannot_be_written_is_a_sentence(run: Path, tmp_path: Path) -> None:
    (run / "report").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="cannot write the report of "):
        list(written(str(run), drawing=not_drawn))


def test_a_run_of_which_every_seed_diverged_has_a_page_and_exit_code_1(tmp_path: Path) -> None:
    words = ("run", *settings_of([*TINY, "learning_rate=1e30"]), "--on", "inline", "--out", "run")
    done = caviar(*words, cwd=tmp_path)
    sentence = (
        "All 2 trials diverged, with every seed: their losses stopped being finite. There is "
        "nothing to compare; try learning rates below 1e+30."
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == f"{sentence} The page run/report/index.html says where."
    assert "norm_batch_size 4, learning_rate 1e+30: 1 trial, 2 seeds, first" in done.stdout
    page = (tmp_path / "run/report/index.html").read_text()
    assert sentence in page and "first seen at step " in page
    assert caviar("report", "run", cwd=tmp_path).returncode == 1
    done = caviar(*words, "--no-report", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("caviar: all 2 trials diverged, with ")


def test_a_fault_of_the_analysis_is_a_traceback_in_a_file(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("No objects to concatenate")

    monkeypatch.setattr(report, "results_of", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InternalError, match="No objects to concatenate"):
        list(written(str(run), drawing=not_drawn))
    done = caviar("report", run, cwd=tmp_path)
    assert done.returncode == 1 and "no report" not in done.stdout
    assert "the traceback is in " in done.stderr and len(done.stderr.splitlines()) == 1
    for file in tmp_path.glob("caviar-traceback-*.txt"):
        assert "ValueError: No objects to concatenate" in file.read_text()
    assert len(list(tmp_path.glob("caviar-traceback-*.txt"))) == 2


def test_a_place_that_cannot_be_reached_is_no_success(run: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot reach 'moon://mine': .*name another --out"):
        list(written(str(run), drawing=not_drawn, out="moon://mine"))


def test_a_run_that_is_running_says_so_first(run: Path) -> None:
    with LocalFolder(run).hold():
        answer, *_ = written(str(run), drawing=not_drawn)
    first, note, *_ = answer.splitlines()
    assert first == "" and note == (
        "  This run is still running: 4 of 4 trials have a result. Compared are the complete "
        "sizes, m = 4, 16."
    )
    assert '<p class="soft">This run is still running' in (run / "report/index.html").read_text()


def test_the_first_screen_alone_is_told_first(run: Path) -> None:
    telling = report.first_screen_of(str(run))
    told = next(iter(written(str(run), drawing=not_drawn, telling=telling)))
    assert told.startswith("quickstart on wine (178 examples): 4 networks x 2 seeds, all finished.")
    assert "\n1 Does a smaller m help? Not known: 1 of the 2 seeds chooses the learning" in told
    assert f"In full: caviar report {run} --full" in " ".join(told.split())
    assert "\033" not in told and max(map(len, told.splitlines())) <= 80


def test_the_page_is_opened_in_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def browser(page: str) -> bool:
        asked.append(page)
        return len(asked) > 1

    monkeypatch.setattr("webbrowser.open", browser)
    page = str(tmp_path / "index.html")
    assert report.opened(page) == f"no browser could be started here; open {page} yourself"
    assert report.opened(page) == "" and asked == [f"file://{page}"] * 2
    with pytest.raises(RequestError, match="is in an object store"):
        report.opened("s3://bucket/run/report/index.html")
