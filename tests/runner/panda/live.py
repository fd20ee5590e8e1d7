"""Pandas that really run: a session with a worker process, and the program itself, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from caviar.runner.cli.panda.conduct import How, begun, in_a_thread, resumed
from caviar.runner.panda.control import NobodyListensError, ask, folder_at
from caviar.runner.panda.record.journal import interventions
from caviar.runner.panda.record.run import read_panda
from caviar.runner.panda.requests import Answer
from caviar.runner.panda.session import Session
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns
from caviar.runner.store.schemas import KEYS, ROW_TABLES, SCHEMAS
from caviar.runner.study.plan import Plan
from tests.runner.forked import forked_worker
from tests.runner.panda.pandas import Driven, Rows

HOW = How(start_process=forked_worker, paused=True)


@contextmanager
def live(plan: Plan, out: Path, how: How = HOW) -> Iterator[Session]:
    """A new panda whose loop runs in a thread."""
    with begun(plan, None, str(out), how) as session, in_a_thread(session):
        yield session


@contextmanager
def live_again(out: Path, how: How = HOW) -> Iterator[Session]:
    with resumed(str(out), how) as session, in_a_thread(session):
        yield session


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a state."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def stored(out: Path, trial_id: str, lineage: bool) -> tuple[Rows, str]:
    """The rows of a trial's last attempt as they lie on disk, and its status."""
    storage = storage_at(out / "lineages" if lineage else out)
    outcomes = read_columns(storage, "outcomes", SCHEMAS["outcomes"].names).to_pylist()
    of_trial = [row for row in outcomes if row["trial_id"] == trial_id]
    if not of_trial:
        return {}, "none"
    last = max(of_trial, key=lambda row: row["attempt"])
    rows: Rows = {}
    for table, schema in ROW_TABLES.items():
        every = read_columns(storage, table, schema.names).to_pylist()
        mine = [
            row
            for row in every
            if row["trial_id"] == trial_id and row["attempt"] == last["attempt"]
        ]
        keys = Counter(tuple(row[key] for key in KEYS[table]) for row in mine)
        assert not [key for key, count in keys.items() if count > 1], f"{table} has a row twice"
        measured = sorted(
            name for name in schema.names if name not in ("trial_id", "attempt", "excess_error")
        )
        if mine:
            rows[table] = sorted(tuple(str(row[name]) for name in measured) for row in mine)
    assert last["rows"] == sum(map(len, rows.values()))
    return rows, last["status"]


def stored_readings(out: Path) -> list[tuple[str, ...]]:
    """The rows of `readings` on disk, each once."""
    folder = out / "lineages" / "readings"
    rows: list[dict[str, Any]] = []
    for part in sorted(folder.glob("part-*.parquet")):
        rows += pq.ParquetFile(part).read().to_pylist()
    texts = [tuple(map(str, row.values())) for row in rows]
    assert len(set(texts)) == len(texts), "a reading was written twice"
    return sorted(texts)


def must_equal_its_uninterrupted_self(out: Path, plan: Plan) -> int:
    """Compare all rows and readings with those of a worker that nothing happened to, which gets
    the same requests; returns the number of lineages."""
    from caviar.runner.panda.record.reading_rows import score_rows

    tree = read_panda(storage_at(out)).tree
    again = Driven(plan, interventions(storage_at(out)))
    again.to_the_end()
    readings = []
    for lineage in tree.lineages:
        rows, status = stored(out, lineage.trial_id, lineage.number > 0)
        assert status in ("completed", "diverged"), lineage
        assert rows == again.rows_of(lineage.trial_id), lineage.change
        for reading in again.readings_of(lineage.number):
            readings += [tuple(map(str, row.values())) for row in score_rows(reading)]
    assert stored_readings(out) == sorted(readings)
    return len(tree.lineages)


def worker_of(process: int) -> int | None:
    """The worker of a driver process, None between two of them."""
    tasks = Path(f"/proc/{process}/task")
    try:
        pids = [pid for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
    except OSError:
        return None
    return int(pids[0]) if pids else None


def kill(process: int | None) -> None:
    if process is not None:
        os.kill(process, signal.SIGKILL)


def asked(out: Path, text: str, who: str = "test") -> Answer | None:
    """The answer of the panda in a folder; None where nobody listens."""
    try:
        return ask(folder_at(str(out)), text, who)
    except NobodyListensError:
        return None


Program = subprocess.Popen[str]
