"""A driver that is killed or told to stop: nothing is lost, nothing is left, and it resumes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import pandas as pd
import pytest

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.executors.executor import RunTrial
from caviar.runner.session.interrupt import SIGNALS
from caviar.runner.session.loop import Progress
from caviar.runner.session.pace import Pace
from caviar.runner.store.open import storage_at
from caviar.runner.trial.run_trial import run_trial
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.faults.workers import holds_after_two_checkpoints
from tests.runner import workers
from tests.runner.forked import forked_driver, forked_worker, killed_at_the_end
from tests.runner.helpers import (
    DIGITS,
    captured,
    ended_well,
    eventually,
    parts,
    same_tables,
    settings_of,
    tables,
)

ROOT = Path(__file__).resolve().parents[3]

STUDY = settings_of(
    [*DIGITS, "budget={ steps = 60 }", "evaluations=6", "curve_rows=60", "draws.count=2"]
)
"""Four trials of more steps than two checkpoints take, those with small ghosts first."""

AT_ONCE, SOON, NEVER = 0.0, 0.1, 1e9

REAL = run_trial
HELD_AT_START = workers.never_ends
HELD_AT_CURVES = partial(workers.holds_after, "curves")
HELD_AT_EVALUATIONS = partial(workers.holds_after, "evaluations")
HELD_AT_CHECKPOINTS = holds_after_two_checkpoints
HALF_DONE = workers.large_ghosts_hold
"""What the workers do: where they hold, the driver waits for them on a machine of any speed."""

Driver = subprocess.Popen[str]
Resumes = Callable[[Path], None]


@contextmanager
def driving(
    root: str | Path,
    run: RunTrial = REAL,
    study: Sequence[str] = STUDY,
    seconds: float = SOON,
    stdout: int | IO[str] = subprocess.PIPE,
) -> Iterator[Driver]:
    """The program that says where it is at every event, with workers that do something else than
    they would and a sink that writes sooner or later."""
    carry_out = partial(
        carried_out,
        trial=run,
        pace=Pace(rows_seconds=seconds, line_seconds=0.0),
        start_process=forked_worker,
    )
    words = ["run", *study, "--no-report", "--workers", "2", "--out", root]
    process = forked_driver(carry_out, *words, cwd=ROOT, stdout=stdout)
    with killed_at_the_end(process):
        yield process


def to_the_end(root: Path, *where: str) -> None:
    ended_well("run", *STUDY, "--no-report", *where, "--out", root, cwd=ROOT)


def children(pid: int) -> list[int]:
    """The processes that a process started and that have not ended."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_gone(pids: list[int]) -> bool:
    return eventually(lambda: not any(alive(pid) for pid in pids))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "run"
    to_the_end(root, "--on", "inline")
    return root


@pytest.fixture(scope="module")
def expected(undisturbed: Path) -> dict[str, pd.DataFrame]:
    """The tables of an undisturbed run."""
    return tables(undisturbed)


def more(root: Path, table: str) -> Callable[[], bool]:
    """Becomes true with the next part file of a table."""
    before = len(parts(root, table))
    return lambda: len(parts(root, table)) > before


@pytest.fixture(scope="module")
def expected_rows(undisturbed: Path) -> Rows:
    return rows_that_count(undisturbed)


@pytest.fixture
def resumes(expected: dict[str, pd.DataFrame], expected_rows: Rows, fault: Fault) -> Resumes:
    """Fails unless the same command ends with the tables of the undisturbed run."""

    def resume(root: Path) -> None:
        before = rows_that_count(root)
        with fault.recovering():
            to_the_end(root, "--on", "inline")
        findings = verify_run(storage_at(root))
        assert not findings.faults, findings.lines
        same_tables(tables(root), expected)
        fault.ended(before, expected_rows, rows_that_count(root))

    return resume


@pytest.mark.faults("the driver is killed (SIGKILL) after its first file of one table, four times")
def test_kill_after_kill_ends_in_the_same_tables(
    resumes: Resumes, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    moments: dict[str, RunTrial] = {
        "trials": HELD_AT_START,
        "curves": HELD_AT_CURVES,
        "evaluations": HELD_AT_EVALUATIONS,
        "outcomes": HALF_DONE,
    }
    for table, run in moments.items():
        moment = more(root, table)
        with driving(root, run) as process:
            assert eventually(moment)
            workers = children(process.pid)
            process.kill()
            process.wait()
        fault.inject()
        assert all_gone(workers)
        whole(root)
    assert len(verify_run(storage_at(root)).lines) > 5
    resumes(root)


@pytest.mark.faults("a run is told to stop: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_request_to_stop_commits_and_ends(
    number: signal.Signals,
    resumes: Resumes,
    expected: dict[str, pd.DataFrame],
    fault: Fault,
    tmp_path: Path,
) -> None:
    """All but SIGTERM reach the whole process group, so the workers get them too."""
    root, log = tmp_path / "run", tmp_path / "said"
    ended = expected["outcomes"].merge(expected["trials"]).query("norm_batch_size == 8")

    def in_the_middle() -> bool:
        """Half of the trials are complete, and rows of the others are received."""
        now = log.read_text()
        return "\n2/4 trials" in now and rows_shown(now) > ended["rows"].sum()

    with log.open("w") as out, driving(root, HALF_DONE, seconds=NEVER, stdout=out) as process:
        assert eventually(in_the_middle)
        assert not parts(root, "curves") and not parts(root, "outcomes")
        workers = children(process.pid)
        alone = number == signal.SIGTERM
        process.send_signal(number) if alone else os.killpg(process.pid, number)
        _, complaints = process.communicate(timeout=120)
    fault.inject()
    assert (process.returncode, complaints) == (130, "")
    shown = log.read_text()
    assert "interrupted: all that was measured is on disk; the same command resumes" in shown
    assert len(workers) >= 2 and all_gone(workers)
    whole(root)
    on_disk = sum(
        len(pd.read_parquet(part))
        for table in ("curves", "evaluations", "statistics", "noise")
        for part in parts(root, table)
    )
    assert on_disk == rows_shown(shown) > ended["rows"].sum()
    resumes(root)


def rows_shown(output: str) -> int:
    """The number of rows in the program's last progress line."""
    counts = re.findall(r"(\d[\d,]*) rows", output)
    return int(counts[-1].replace(",", "")) if counts else 0


@pytest.mark.faults("Ctrl-C twice")
def test_a_second_request_stops_at_once_and_tears_nothing(
    resumes: Resumes, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    moment = more(root, "curves")
    with driving(root, HELD_AT_CURVES) as process:
        assert eventually(moment)
        workers = children(process.pid)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)  # It ends with the last process that could print.
        assert len(workers) >= 2 and all_gone(workers)
    fault.inject()
    assert process.returncode == 130
    whole(root)
    resumes(root)


def test_a_request_before_there_is_anything_to_stop(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with driving(root, HELD_AT_START) as process:
        assert eventually(lambda: (root / "study.json").exists())
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (130, "")
    assert "the same command resumes" in output
    whole(root)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_request_before_the_first_trial_is_heard(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: object, **__: object) -> Progress:
        signal.raise_signal(number)
        raise AssertionError("the signal was not heard")

    before = signal.getsignal(number)
    monkeypatch.setattr(sys, "argv", ["caviar", "run", "--out", str(tmp_path / "run")])
    with captured() as (_, complaints):
        with pytest.raises(SystemExit) as ended:
            main(told)
        complaints.seek(0)
        words = complaints.read()
    assert (ended.value.code, words.count("interrupted")) == (130, 1)
    assert signal.getsignal(number) == before


def test_a_driver_that_is_killed_lets_go_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with driving(root, HELD_AT_START) as process:
        assert eventually(lambda: bool(parts(root, "trials")))
        with driving(root) as second:
            output, complaints = second.communicate(timeout=120)
        assert second.returncode == 2 and "another caviar is writing" in complaints
        assert output == "reading the quickstart and its data\n"
        assert eventually(lambda: len(children(process.pid)) == 2)
        workers = children(process.pid)
        process.kill()
        process.wait()
        assert all_gone(workers)  # Although they run trials that never end.
    with driving(root, HELD_AT_START) as third:
        assert eventually(lambda: len(children(third.pid)) == 2)
