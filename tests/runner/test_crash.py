"""A driver that dies at any file operation: nothing torn, and a resume ends as if nothing was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.executor import InlineExecutor
from runner.place import held, open_run, remaining, unplanned
from runner.run import run_study
from runner.sink import ParquetSink
from runner.tables import SCHEMAS
from runner.verify import verify_run
from tests.runner.helpers import TINY, nothing, parts, plan_of, same_tables, tables
from tests.runner.test_sink import rows_are_there

Tables = dict[str, pd.DataFrame]


class Death(BaseException):
    """What no `except Exception` survives."""


class Operations:
    """Counts file operations; the one numbered `fatal` is cut in the middle."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal = fatal
        self.done = 0

    def next(self) -> bool:
        """Whether the operation that comes now is the fatal one."""
        self.done += 1
        return self.done - 1 == self.fatal


@contextmanager
def watched(operations: Operations) -> Iterator[None]:
    """Every write, sync and rename of a file and every new folder goes by `operations`."""
    real_open, real_replace, real_mkdir, real_sync = Path.open, Path.replace, Path.mkdir, os.fsync

    def opened(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if mode == "xb" and operations.next():
            with real_open(path, mode) as file:
                file.write(b"PAR1 a torn write")
            raise Death
        return real_open(path, mode, *rest, **named)

    def replaced(path: Path, target: Path) -> Path:
        if operations.next():
            raise Death
        return real_replace(path, target)

    def made(path: Path, *rest: Any, **named: Any) -> None:
        if operations.next():
            raise Death
        real_mkdir(path, *rest, **named)

    def synced(descriptor: int) -> None:
        if operations.next():
            raise Death
        real_sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "mkdir", made)
        patch.setattr(os, "fsync", synced)
        yield


def drive(root: Path, draws: int, fatal: int | None = None) -> int:
    """One run of the study as the program does it, flushing at every event."""
    plan = plan_of(*TINY, f"draws.count={draws}")
    operations = Operations(fatal)
    with watched(operations), held(root):
        open_run(root, plan, "test")
        sink = ParquetSink(root, max_seconds=0.0)
        sink.plan(unplanned(root, plan))
        run_study(remaining(root, plan), InlineExecutor(plan.data), sink, nothing)
        sink.close()
    return operations.done


def whole(root: Path) -> None:
    """Every file that a reader sees can be read, and outcomes have their rows."""
    for table in SCHEMAS:
        for part in parts(root, table):
            pd.read_parquet(part)
    rows_are_there(root)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> list[Tables]:
    """The tables of uninterrupted runs with 0, 1, 2 and 3 draws."""
    found: list[Tables] = [{}]
    for draws in (1, 2, 3):
        root = tmp_path_factory.mktemp("whole") / "run"
        drive(root, draws)
        found.append(tables(root))
    return found


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> int:
    return drive(tmp_path_factory.mktemp("counted") / "run", 1)


def is_complete(root: Path, expected: Tables) -> None:
    findings = verify_run(root)
    assert not findings.faults, findings.lines
    same_tables(tables(root), expected)


def test_death_at_every_operation(operations: int, untouched: list[Tables], tmp_path: Path) -> None:
    assert operations > 50
    for fatal in range(operations):
        root = tmp_path / str(fatal)
        with pytest.raises(Death):
            drive(root, 1, fatal)
        whole(root)
        drive(root, 1)
        is_complete(root, untouched[1])


@pytest.mark.parametrize("fatal", [5, 40])
def test_nothing_is_left_behind_but_the_run(
    fatal: int, untouched: list[Tables], tmp_path: Path
) -> None:
    with pytest.raises(Death):
        drive(tmp_path / "run", 1, fatal)
    drive(tmp_path / "run", 1)
    left = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
    assert all(p.name == "study.json" or p.match("part-*.parquet") for p in left)


@settings(deadline=None, max_examples=12)
@given(sessions=st.lists(st.tuples(st.integers(0, 120), st.integers(1, 3)), max_size=5))
def test_any_history_of_deaths_and_growth_ends_the_same(
    sessions: list[tuple[int, int]],
    untouched: list[Tables],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("history") / "run"
    largest = 1
    for fatal, draws in sessions:
        try:
            drive(root, draws, fatal)
        except Death:
            pass
        if root.exists():
            whole(root)
        largest = max(largest, draws)
    drive(root, largest)
    is_complete(root, untouched[largest])


def test_a_finished_run_does_nothing_again(untouched: list[Tables], tmp_path: Path) -> None:
    drive(tmp_path / "run", 1)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("part-*")}
    drive(tmp_path / "run", 1)
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("part-*")}
    assert before == after
    is_complete(tmp_path / "run", untouched[1])
