"""What the tests of the runner share: tiny studies, the program, tables compared by their bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa

from caviar.analysis.report.page.picture import Drawing
from caviar.analysis.run.read import MEASUREMENTS, read_run
from caviar.model.norms.registry import NORMS
from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import Block, Event, Job, Outcome
from tests.analysis.page import not_drawn
from tests.runner.forked import forked_worker

TINY = (
    'dataset={ name = "wine", train = 96, validation = 40 }',
    "hidden=[6]",
    "batch_size=16",
    "norm_batch_size=[4, 16]",
    "replicas=2",
    "budget.epochs=2",
    "draws.count=2",
    "evaluations=1",
    "curve_rows=3",
    "probe_batch_sizes=[4, 16]",
    "log_probabilities=true",
)
"""Four trials of a few milliseconds each."""

DIGITS = (
    "hidden=[8, 8]",
    "batch_size=64",
    "norm_batch_size=[8, 64]",
    "replicas=2",
    "budget.epochs=2",
    "draws.count=2",
    "draws.sampler='random'",
    "evaluations=2",
)
"""Four trials on the digits, a part of a second each; drawn without SciPy, which takes as long to
import."""

NOT_MEASURED = ("attempt", "seconds", "probe_seconds", "host")
"""Columns that may differ between two runs of one study."""


def plan_of(*settings: str, study: Path | None = None, trials: int | None = None) -> Plan:
    return make_plan(read_study(study, settings), trials)


def tiny(*settings: str, study: Iterable[str] = TINY) -> tuple[str, ...]:
    """A small study with more settings, without those that a norm of no batch statistics ignores.

    Group norm gets groups that divide the width.
    """
    named = [s.partition("=")[2] for s in settings if s.startswith("norm=")]
    kind = NORMS[(named or ["batch"])[-1]]
    unread = () if kind.uses_batch_statistics else ("probe_batch_sizes",)
    groups = ("norm_groups=3",) if "norm_groups" in kind.settings else ()
    return (*(s for s in study if s.partition("=")[0] not in unread), *groups, *settings)


def jobs_of(plan: Plan, attempt: int = 0) -> list[Job]:
    return [Job(config, config.trial_id, attempt) for config in plan.trials]


def settings_of(study: Iterable[str]) -> list[str]:
    """The words of a command line that apply the settings."""
    return [word for setting in study for word in ("--set", setting)]


def command(*words: str | Path) -> list[str]:
    """The command line that starts the program anew."""
    return [sys.executable, "-m", "caviar", *map(str, words)]


Done = subprocess.CompletedProcess[str]


def started(*words: str | Path, cwd: Path, **env: str) -> Done:
    """The program in a process of its own, to its end: a second, where `caviar` takes none."""
    return subprocess.run(
        command(*words),
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def caviar(*words: str | Path, cwd: Path, drawing: Drawing | None = not_drawn, **env: str) -> Done:
    """The program in this process, to its end; environment, folder and signals are restored.

    Its streams are files, those of its workers too, which are forked. An exception that leaves
    `main` is what the interpreter makes of it: a traceback and exit code 1. Figures, six of the
    seven seconds of a report, are drawn where `drawing` says how (None: as the program does).
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    argv = ["caviar", *map(str, words)]
    try:
        with (
            captured() as (out, err),
            patch.dict(os.environ, env),
            patch.object(sys, "argv", argv),
            chdir(cwd),
        ):
            code = _exit_code(drawing)
            out.seek(0), err.seek(0)
            return subprocess.CompletedProcess(argv, code, out.read(), err.read())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _exit_code(drawing: Drawing | None) -> int:
    try:
        main(partial(carried_out, start_process=forked_worker), drawing, forked_worker)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def captured() -> Iterator[tuple[IO[str], IO[str]]]:
    """Files that take what this process and its children write to stdout and stderr."""
    kept = {number: os.dup(number) for number in (1, 2)}
    with TemporaryFile("w+", encoding="utf-8") as out, TemporaryFile("w+", encoding="utf-8") as err:
        try:
            for number, file in ((1, out), (2, err)):
                os.dup2(file.fileno(), number)
            with redirect_stdout(out), redirect_stderr(err):
                yield out, err
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)


def well(done: Done) -> str:
    """What a program printed that must have ended with exit code 0 and an empty stderr."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def ended_well(
    *words: str | Path, cwd: Path, drawing: Drawing | None = not_drawn, **env: str
) -> str:
    """What the program prints in this process, once it ended well."""
    return well(caviar(*words, cwd=cwd, drawing=drawing, **env))


def eventually(holds: Callable[[], bool], seconds: float = 600.0) -> bool:
    """Whether a condition becomes true; the long limit is only reached by a test that fails.

    It is asked ever more rarely, at last ten times a second: some conditions look at every process.
    """
    end, pause = time.monotonic() + seconds, 0.01
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(1.2 * pause, 0.1)
    return True


def parts(root: Path, table: str) -> list[Path]:
    return sorted((root / table).glob("part-*.parquet"))


def tables(root: str | Path) -> dict[str, pd.DataFrame]:
    """All tables of a run as an analysis reads them, sorted, without columns that may differ."""
    run = read_run(root)
    return {name: _in_order(getattr(run, name)) for name in ("trials", *MEASUREMENTS, "outcomes")}


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame.drop(columns=[c for c in NOT_MEASURED if c in frame])
    shown = [repr(row) for row in kept.itertuples(index=False, name=None)]
    order = sorted(range(len(shown)), key=shown.__getitem__)
    return kept.iloc[order].reset_index(drop=True)


def same_tables(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Fail unless every value is the same, bit for bit."""
    assert one.keys() == other.keys()
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)
        for column in frame.select_dtypes("float64"):
            mine, theirs = frame[column].to_numpy(), other[name][column].to_numpy()
            np.testing.assert_array_equal(mine.view("i8"), theirs.view("i8"), f"{name}.{column}")


Rows = dict[str, dict[tuple[Any, ...], int]]


def rows_of(events: Iterable[Event]) -> Rows:
    """The rows of some blocks by table, as bytes, without the attempt; each with its count."""
    rows: Rows = {table: {} for table in ROW_TABLES}
    for block in events:
        if isinstance(block, Block):
            names = sorted(block.columns)
            for row in zip(*(block.columns[name] for name in names), strict=True):
                key = (block.trial_id, *(_bits(value) for value in row))
                rows[block.table][key] = rows[block.table].get(key, 0) + 1
    return rows


def _bits(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_bits(inner) for inner in value)
    return np.float64(value).tobytes() if isinstance(value, float) else value


def outcome_of(events: Iterable[Event]) -> Outcome:
    (outcome,) = [event for event in events if isinstance(event, Outcome)]
    return outcome


def block(table: str = "curves", rows: int = 3, trial_id: str = "t", attempt: int = 0) -> Block:
    """A block of invented rows with every declared column."""
    columns: dict[str, list[Any]] = {}
    for field in SCHEMAS[table]:
        if field.name not in ("trial_id", "attempt"):
            kind = str(field.type)
            listed = [-0.5, -2.0]
            value: Any = {"double": 0.5, "string": "x", str(pa.list_(pa.float64())): listed}.get(
                kind, 1
            )
            columns[field.name] = [value] * rows
    columns["step"] = list(range(rows))
    return Block(trial_id, attempt, table, columns)


class Scripted:
    """An executor that sends scripted events and remembers the jobs that it was given."""

    workers = 1

    def __init__(self, script: Callable[[list[Job]], Iterator[Event]]) -> None:
        self.submitted: list[Job] = []
        self._script = script

    def submit(self, job: Job) -> None:
        self.submitted.append(job)

    def events(self) -> Iterator[Event]:
        return self._script(self.submitted)

    def close(self) -> None: ...


def nothing(*_: object) -> None:
    """An observer that does nothing."""


def rows_are_there(root: Path) -> None:
    """Every outcome on disk has all the rows of its attempt on disk."""
    rows_per_attempt: Counter[tuple[str, int]] = Counter()
    for table in ROW_TABLES:
        rows_per_attempt.update(
            zip(*read_rows(storage_at(root), table, ["trial_id", "attempt"]).values(), strict=True)
        )
    outcomes = read_rows(storage_at(root), "outcomes", ["trial_id", "attempt", "rows"])
    for trial, attempt, rows in zip(*outcomes.values(), strict=True):
        assert rows_per_attempt[trial, attempt] == rows
