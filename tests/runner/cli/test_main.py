"""`caviar run`: a small study, then the same again, a larger, a changed and a failing one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.faults.program import caviar_here
from tests.hostile.test_own_modules import beside_modules_of_the_user
from tests.runner import workers
from tests.runner.helpers import (
    TINY,
    caviar,
    ended_well,
    parts,
    same_tables,
    settings_of,
    started,
    tables,
    well,
)

SMALL = (*settings_of(TINY), "--no-report")
INLINE = ("--on", "inline")
ROOT = Path(__file__).resolve().parents[3]


def refused(*words: str | Path, cwd: Path) -> str:
    done = caviar(*words, cwd=cwd)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("caviar: ")
    return line


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def output(home: Path) -> str:
    """What the default study prints in ASCII when it is made small, beside modules of the user."""
    small = settings_of(
        ["replicas=3", "hidden=[8, 8]", "budget.epochs=3", "norm_batch_size=[8, 256]"]
    )
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    return well(beside_modules_of_the_user("run", *small, folder=home, **ascii_only))


def test_the_default_study_answers(output: str, home: Path) -> None:
    root = home / "runs" / "quickstart"
    lines = output.splitlines()
    assert output.isascii() and "8/8 trials | 0 running | 0 failed | 0 diverged | " in output
    assert "rows: runs/quickstart" in lines
    assert lines[-1] == "report: runs/quickstart/report/index.html"
    assert (root / "report" / "index.html").read_text().startswith("<!")
    assert len(tables(root)["outcomes"]) == 8
    assert not verify_run(storage_at(root)).faults


@pytest.mark.parametrize(
    "table", ["trials", "curves", "evaluations", "statistics", "noise", "outcomes"]
)
def test_pandas_reads_the_folder_of_a_table(table: str, output: str, home: Path) -> None:
    frame = pd.read_parquet(home / "runs" / "quickstart" / table)
    assert len(frame) and "trial_id" in frame


def test_the_same_command_again_does_nothing(tmp_path: Path) -> None:
    ended_well("run", *SMALL, *INLINE, cwd=tmp_path)
    root = tmp_path / "runs" / "quickstart"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("part-*")}
    output = ended_well("run", *SMALL, *INLINE, cwd=tmp_path)
    assert "resuming runs/quickstart: 4 of 4 trials are done" in output
    assert {path: path.stat().st_mtime_ns for path in root.rglob("part-*")} == before
    sessions = read_study_json(storage_at(root))["sessions"]
    assert len(sessions) == 2 and sessions[1]["command"].startswith("caviar run --set ")


def test_a_study_grows_in_its_place(tmp_path: Path) -> None:
    for count in ("1", "3"):
        grown = ("--set", f"draws.count={count}", *INLINE, "--out")
        output = ended_well("run", *SMALL, *grown, "grown", cwd=tmp_path)
    assert "resuming grown: 2 of 6 trials are done" in output
    ended_well("run", *SMALL, *grown, "at-once", cwd=tmp_path)
    same_tables(tables(tmp_path / "grown"), tables(tmp_path / "at-once"))


def test_the_first_trials_and_then_all(tmp_path: Path) -> None:
    output = ended_well("run", *SMALL, *INLINE, "--trials", "3", cwd=tmp_path)
    assert "3/3 trials" in output
    output = ended_well("run", *SMALL, *INLINE, cwd=tmp_path)
    assert "3 of 4 trials are done" in output and "4/4 trials" in output


def test_places_and_workers_give_the_same_bits(tmp_path: Path) -> None:
    ways = {"inline": INLINE, "one": ("--workers", "1"), "two": ("--workers", "2")}
    for name, way in ways.items():
        ended_well("run", *SMALL, *way, "--out", name, cwd=tmp_path)
    inline, *others = (tables(tmp_path / name) for name in ways)
    for other in others:
        same_tables(inline, other)


def test_a_changed_study_is_refused_with_the_difference(tmp_path: Path) -> None:
    ended_well("run", *SMALL, *INLINE, "--trials", "1", cwd=tmp_path)
    changed = (*SMALL, "--set", "budget.epochs=3", "--set", "activation=tanh")
    line = refused("run", *changed, cwd=tmp_path)
    assert "'runs/quickstart' holds another study: budget.epochs is 2 there and 3 here; " in line
    assert 'fixed.activation is "relu" there and "tanh" here; undo the change' in line
    assert len(parts(tmp_path / "runs" / "quickstart", "outcomes")) == 1


def test_a_folder_of_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("mine")
    line = refused("run", *SMALL, "--out", "thesis", cwd=tmp_path)
    assert "'thesis' holds files that are not a run (chapter.tex)" in line
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with storage_at(tmp_path / "run").hold():
        line = refused("run", *SMALL, "--out", "run", cwd=tmp_path)
    assert "another caviar is writing to 'run'; wait for it, or use another --out" in line
    ended_well("run", *SMALL, *INLINE, "--trials", "1", "--out", "run", cwd=tmp_path)


FAILING = partial(carried_out, trial=workers.fails_at_small_ghosts)
"""The program, whose workers are given trials that cannot be trained."""


def test_a_trial_that_fails_is_told_and_the_others_are_done(tmp_path: Path) -> None:
    words = ("run", *settings_of(TINY), "--no-report", "--out", str(tmp_path / "run"))
    done = caviar_here(*words, "--workers", "1", carry_out=FAILING)
    assert (done.code, done.complained) == (1, "")
    assert "Traceback (most recent call last)" in done.output
    assert "4/4 trials · 0 running · 2 failed" in done.output
    outcomes = pd.read_parquet(tmp_path / "run" / "outcomes")
    assert sorted(outcomes["status"]) == ["completed", "completed", "failed", "failed"]
    failed = outcomes[outcomes["status"] == "failed"]
    assert failed["error"].str.contains("cannot be cut").all()
    again = caviar_here(*words, *INLINE, carry_out=FAILING)
    assert again.code == 1 and "2 of 4 trials are done" in again.output
    assert set(pd.read_parquet(tmp_path / "run" / "outcomes")["attempt"]) == {0, 1}


def test_a_trial_that_diverges_is_a_result(tmp_path: Path) -> None:
    wild = ("--set", "scientific.learning_rate=[0.1, 1e30]", "--out", "run")
    nuisance = ("--set", "nuisance={}")
    output = ended_well("run", *SMALL, *INLINE, *nuisance, *wild, "--trials", "4", cwd=tmp_path)
    assert "4/4 trials · 0 running · 0 failed · 2 diverged" in output
    outcomes = pd.read_parquet(tmp_path / "run" / "outcomes").set_index("status")
    assert [list(seeds) for seeds in outcomes.loc["diverged", "diverged_seeds"]] == [[0, 1]] * 2
    assert outcomes.loc["diverged", "rows"].tolist() == outcomes.loc["completed", "rows"].tolist()
    output = ended_well("run", *SMALL, *INLINE, *nuisance, *wild, "--trials", "4", cwd=tmp_path)
    assert "4 of 4 trials are done" in output


def test_a_dry_run_shows_every_default_and_writes_nothing(tmp_path: Path) -> None:
    output = ended_well("run", "--dry-run", *settings_of(TINY), cwd=tmp_path)
    assert "4 trials of 2 seeds" in output.splitlines()[0]
    assert "data: wine, 13 features, 3 classes; 96 train, 40 validation, 42 test" in output
    for line in (
        "crossed: norm_batch_size = [4, 16]",
        "drawn (halton): learning_rate = 0.",
        "fixed: hidden = [6]",
        'fixed: activation = "relu"',
        "fixed: steps = 12",
        "fixed: seeds = [0, 1]",
    ):
        assert f"\n{line}" in output
    assert not list(tmp_path.iterdir())


def test_a_study_file_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    rows = "".join(f"{i},{i * 7 % 11},{'pq'[i % 2]}\n" for i in range(80))
    (tmp_path / "data.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "studies" / "mine.toml").write_text(
        'name = "mine"\ndataset = { path = "../data.csv", label = "y" }\nreplicas = 1\n'
        "budget = { steps = 5 }\n[fixed]\nhidden = [4]\nbatch_size = 8\n"
    )
    ended_well("run", "studies/mine.toml", *INLINE, "--no-report", cwd=tmp_path)
    outcomes = tables(tmp_path / "runs" / "mine")["outcomes"]
    assert outcomes["status"].tolist() == ["completed"] and outcomes["steps"].tolist() == [5]


def test_the_installed_command_is_the_same_program(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("caviar")
    if not script.exists():
        pytest.skip(f"the package is not installed: no {script}")
    ways: dict[tuple[str | Path, ...], Path] = {
        (script,): tmp_path,
        (sys.executable, "-m", "caviar"): tmp_path,
        (sys.executable, "-m", "runner"): ROOT,
    }
    commands = ("run", "report", "status", "verify", "replay", "conventions", "advise", "doctor")
    for way, folder in ways.items():
        asked = [*way, "--help"]
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True)
        assert not [command for command in commands if command not in done.stdout]


@pytest.mark.parametrize("words", [("conventions",), ("status", "none")])
def test_in_this_process_the_program_says_what_a_start_says(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """It also leaves nothing behind: most tests call the program this way."""

    def state() -> tuple[object, ...]:
        return dict(os.environ), Path.cwd(), sys.argv, signal.getsignal(signal.SIGINT)

    before = state()
    here, real = caviar(*words, cwd=tmp_path, HERE="1"), started(*words, cwd=tmp_path, HERE="1")
    assert (here.returncode, here.stdout, here.stderr) == (
        real.returncode,
        real.stdout,
        real.stderr,
    )
    assert here.stdout + here.stderr and state() == before


def test_windows_is_told_of_wsl(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as windows, pytest.raises(SystemExit) as ended:
        windows.setattr("os.name", "nt")
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("caviar: caviar needs Linux or macOS; on Windows")
