"""A driver killed at random moments, twenty times in a row, and one that is told to stop."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.faults.drivers import STUDY
from tests.faults.injections import Fault, Rows, rows_that_count, whole
from tests.runner.helpers import DIGITS, ended_well, eventually, settings_of
from tests.runner.session.test_interrupt import (
    AT_ONCE,
    HELD_AT_CHECKPOINTS,
    HELD_AT_CURVES,
    NEVER,
    Driver,
    all_gone,
    children,
    driving,
    rows_shown,
)

KILLS = 20


ONCE = settings_of(
    [*DIGITS, "budget={ steps = 60 }", "evaluations=6", "curve_rows=60", "draws.count=2"]
)
"""The same four trials, of more steps than two checkpoints of each take."""


def undisturbed(root: Path, study: Sequence[str]) -> Rows:
    ended_well("run", *study, "--no-report", "--on", "inline", "--out", root, cwd=root.parent)
    return rows_that_count(root)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return undisturbed(tmp_path_factory.mktemp("whole") / "run", ONCE)


def is_whole(
    root: Path, before: Rows, expected: Rows, fault: Fault, study: Sequence[str] = ONCE
) -> str:
    words = ("run", *study, "--no-report", "--workers", "2")
    with fault.recovering():
        output = ended_well(*words, "--out", root, cwd=root.parent)
    findings = verify_run(storage_at(root))
    assert not findings.faults, findings.lines
    fault.ended(before, expected, rows_that_count(root))
    assert not list((root / "checkpoints").glob("*"))
    return output


def written(root: Path) -> set[tuple[str, int]]:
    """Every file of a run with its time of writing, so that a rewritten file counts as new."""
    files = set()
    for path in root.rglob("*"):
        try:
            files.add((str(path), path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return files


def kill(process: Driver) -> None:
    workers = children(process.pid)
    process.kill()
    process.wait()
    assert all_gone(workers)


@pytest.mark.slow
@pytest.mark.faults("the driver is killed at a random moment (SIGKILL), twenty times in a row")
def test_twenty_kills_in_a_row(fault: Fault, tmp_path: Path) -> None:
    """A moment is a time after the start or a number of files later; no trial ends before it."""
    root, chance = tmp_path / "run", random.Random(5)
    before, went_on = Rows(), 0
    for _ in range(KILLS):
        files_before, more = written(root), chance.randrange(8)
        with driving(root, HELD_AT_CHECKPOINTS, STUDY, AT_ONCE) as process:
            if more == 0:
                time.sleep(chance.uniform(0, 1))
            assert eventually(
                lambda files_before=files_before, more=more, process=process: (  # type: ignore[misc]
                    len(written(root) - files_before) >= more or process.poll() is not None
                )
            )
            assert process.poll() is None
            kill(process)
            fault.inject()
        if (root / "study.json").exists():
            whole(root)
            assert not before - rows_that_count(root)
            before = rows_that_count(root)
        went_on += (root / "checkpoints").exists() and any((root / "checkpoints").iterdir())
    assert went_on > 0, "no kill came while there were checkpoints"
    is_whole(root, before, undisturbed(tmp_path / "whole", STUDY), fault, STUDY)


@pytest.mark.faults("the driver is killed after a checkpoint (SIGKILL)")
def test_a_killed_driver_goes_on_from_checkpoints(
    expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    with driving(root, HELD_AT_CHECKPOINTS, ONCE, AT_ONCE) as process:
        assert eventually(lambda: len(list(root.glob("checkpoints/*.npz"))) >= 2)
        kill(process)
    fault.inject()
    assert any("resumable checkpoints" in line for line in verify_run(storage_at(root)).lines)
    output = is_whole(root, rows_that_count(root), expected, fault)
    assert "resuming from checkpoints: " in output


@pytest.mark.faults("`ray job stop`: SIGTERM, and SIGKILL once it has committed")
def test_a_stop_commits_before_it_stops_the_workers(
    expected: Rows, fault: Fault, tmp_path: Path
) -> None:
    """Nothing was written before the signal; what was written after it is enough to resume."""
    root, log = tmp_path / "run", tmp_path / "said"
    with (
        log.open("w") as out,
        driving(root, HELD_AT_CURVES, ONCE, NEVER, out) as process,
    ):
        assert eventually(lambda: rows_shown(log.read_text()) > 0)
        assert not list(root.glob("curves/*.parquet"))
        process.send_signal(signal.SIGTERM)
        assert eventually(lambda: bool(list(root.glob("curves/part-*.parquet"))))
        kill(process)
    fault.inject()
    whole(root)
    is_whole(root, rows_that_count(root), expected, fault)
