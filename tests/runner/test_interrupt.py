"""A driver that is killed or told to stop: nothing is lost, nothing is left, and it resumes."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest

from runner.verify import verify_run
from tests.runner.helpers import DIGITS, eventually, parts, same_tables, settings_of, tables
from tests.runner.test_crash import whole

STUDY = settings_of(
    [*DIGITS, "budget={ steps = 2400 }", "evaluations=6", "curve_rows=60", "draws.count=2"]
)
"""Four trials of a second or two."""

PROGRAM = """
from runner.cli import main
import runner.sink
runner.sink.ParquetSink.__init__.__kwdefaults__["max_seconds"] = {seconds}
main()
"""
"""The program, with a sink that writes sooner or later than it would."""

SOON, NEVER = 0.1, 1e9

Driver = subprocess.Popen[str]


@contextmanager
def driving(root: Path, seconds: float = SOON) -> Iterator[Driver]:
    program = PROGRAM.format(seconds=seconds)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "run",
            *STUDY,
            "--no-report",
            "--workers",
            "2",
            "--out",
            root,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def to_the_end(root: Path) -> str:
    with driving(root) as process:
        said, complaints = process.communicate(timeout=300)
    assert (process.returncode, complaints) == (0, "")
    return said


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


def worked(pid: int) -> float:
    """Seconds of processor time that the children of a process have taken."""
    ticks = 0
    for child in children(pid):
        try:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def all_gone(pids: list[int]) -> bool:
    return eventually(lambda: not any(alive(pid) for pid in pids))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of a run that nothing disturbed."""
    root = tmp_path_factory.mktemp("whole") / "run"
    to_the_end(root)
    return tables(root)


def resumes(root: Path, expected: dict[str, pd.DataFrame]) -> None:
    to_the_end(root)
    findings = verify_run(root)
    assert not findings.faults, findings.lines
    same_tables(tables(root), expected)


def more(root: Path, table: str) -> Callable[[], bool]:
    """Comes true with the next part file of a table."""
    before = len(parts(root, table))
    return lambda: len(parts(root, table)) > before


def test_kill_after_kill_ends_in_the_same_tables(
    expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    root = tmp_path / "run"
    moments = [
        lambda: (root / "study.json").exists(),
        lambda: bool(parts(root, "trials")),
        more(root, "curves"),
        more(root, "outcomes"),
        more(root, "evaluations"),
    ]
    for moment in moments:
        with driving(root) as process:
            assert eventually(moment)
            workers = children(process.pid)
            process.kill()
            process.wait()
        assert all_gone(workers)
        if parts(root, "trials"):
            whole(root)
    assert len(verify_run(root).lines) > 5
    resumes(root, expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_kills_at_random_moments_end_in_the_same_tables(
    seed: int, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    root, random_moment = tmp_path / "run", random.Random(seed)
    for _ in range(4):
        with driving(root) as process:
            assert eventually(lambda: (root / "study.json").exists())
            time.sleep(random_moment.uniform(0, 4))
            workers = children(process.pid)
            process.kill()
            process.wait()
        assert all_gone(workers)
        whole(root)
    resumes(root, expected)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_commits_and_ends(
    number: signal.Signals, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """Ctrl-C reaches the whole process group, so the workers get it too."""
    root = tmp_path / "run"
    with driving(root, NEVER) as process:
        assert eventually(lambda: worked(process.pid) > 3.5)
        workers = children(process.pid)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        said, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (130, "")
    assert "interrupted: what was measured is on disk; the same command resumes" in said
    assert len(workers) >= 2 and all_gone(workers)
    whole(root)
    shown = re.search(r"([\d,]+) rows", said)
    assert shown is not None
    on_disk = sum(
        len(pd.read_parquet(root / table))
        for table in ("curves", "evaluations", "statistics", "noise")
    )
    assert on_disk == int(shown[1].replace(",", "")) > 0
    resumes(root, expected)


def test_a_second_request_stops_at_once_and_tears_nothing(
    expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    root = tmp_path / "run"
    with driving(root) as process:
        assert eventually(more(root, "curves"))
        workers = children(process.pid)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert all_gone(workers)
    whole(root)
    resumes(root, expected)


def test_a_request_before_there_is_anything_to_stop(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with driving(root) as process:
        assert eventually(lambda: (root / "study.json").exists())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    # Python itself says -SIGINT where the signal struck inside an exec().
    assert process.returncode in (130, -signal.SIGINT)
    whole(root)


def test_a_driver_that_is_killed_lets_go_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with driving(root) as process:
        assert eventually(lambda: bool(parts(root, "trials")))
        with driving(root) as second:
            said, complaints = second.communicate(timeout=120)
        assert second.returncode == 2 and "another caviar is writing" in complaints
        assert said == ""
        process.kill()
        process.wait()
    with driving(root) as third:
        assert eventually(lambda: len(children(third.pid)) >= 2)
