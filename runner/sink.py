"""Where rows go: Parquet part files, whole at every instant, or a list in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from runner.config import TrialConfig
from runner.errors import RequestError
from runner.events import Block, Outcome
from runner.tables import OUTCOMES, ROW_TABLES, SCHEMAS, TRIALS, trial_row


class MetricSink(Protocol):
    """Takes rows and outcomes; an outcome counts once its rows are safe."""

    def plan(self, trials: Iterable[TrialConfig]) -> None: ...

    def write(self, block: Block) -> None: ...

    def commit(self, outcome: Outcome) -> None: ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


def to_table(block: Block) -> pa.Table:
    """The block as an Arrow table of its declared schema.

    Raises ValueError for a column that the schema does not declare, or that is missing: no
    measurement is dropped quietly.
    """
    schema = ROW_TABLES[block.table]
    columns = dict(block.columns)
    columns["trial_id"] = [block.trial_id] * block.rows
    columns["attempt"] = [block.attempt] * block.rows
    if set(columns) != set(schema.names):
        odd = sorted(set(columns) ^ set(schema.names))
        raise ValueError(f"{block.table}: columns differ from the declared ones: {', '.join(odd)}")
    return pa.table(columns, schema=schema)


class MemorySink:
    """Keeps everything; for tests and for a look without a disk."""

    def __init__(self) -> None:
        self.trials: list[TrialConfig] = []
        self.blocks: list[Block] = []
        self.outcomes: list[Outcome] = []

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        self.trials.extend(trials)

    def write(self, block: Block) -> None:
        to_table(block)
        self.blocks.append(block)

    def commit(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class ParquetSink:
    """One writer of `root/<table>/part-*.parquet`.

    Rows wait in memory until `max_rows` are there or the oldest is `max_seconds` old; then
    every table's rows become one whole part file each, and only after them the outcomes that
    waited. A crash can cost rows that no outcome names yet, and those are computed again.
    """

    def __init__(self, root: Path, *, max_rows: int = 500_000, max_seconds: float = 10.0) -> None:
        self.root = root
        self.max_rows = max_rows
        self.max_seconds = max_seconds
        self._waiting: dict[str, list[pa.Table]] = {}
        self._outcomes: list[Outcome] = []
        self._rows = 0
        self._since: float | None = None

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        """Add trials to the run's plan."""
        rows = [trial_row(config) for config in trials]
        if rows:
            write_part(self.root / "trials", pa.Table.from_pylist(rows, schema=TRIALS))

    def write(self, block: Block) -> None:
        self._waiting.setdefault(block.table, []).append(to_table(block))
        self._rows += block.rows
        self._started_waiting()
        self.tick()

    def commit(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._started_waiting()
        self.tick()

    def tick(self) -> None:
        """Flush if there is enough, or the oldest row has waited long enough."""
        old = self._since is not None and time.monotonic() - self._since >= self.max_seconds
        if old or self._rows >= self.max_rows:
            self.flush()

    def flush(self) -> None:
        """Rows first, outcomes last; what is on disk is dropped from memory as it lands."""
        for table in sorted(self._waiting):
            write_part(self.root / table, pa.concat_tables(self._waiting[table]))
            del self._waiting[table]
        self._rows = 0
        if self._outcomes:
            rows = [asdict(outcome) for outcome in self._outcomes]
            write_part(self.root / "outcomes", pa.Table.from_pylist(rows, schema=OUTCOMES))
            self._outcomes = []
        self._since = None

    def close(self) -> None:
        self.flush()

    def _started_waiting(self) -> None:
        if self._since is None:
            self._since = time.monotonic()


def write_part(folder: Path, table: pa.Table) -> Path:
    """The next `part-*.parquet` of a folder, complete or not there at all."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    folder.mkdir(parents=True, exist_ok=True)
    stems = (path.stem.removeprefix("part-") for path in folder.glob("part-*.parquet"))
    numbers = [int(stem) for stem in stems if stem.isdecimal()]
    path = folder / f"part-{max(numbers, default=-1) + 1:06d}.parquet"
    write_whole(path, sink.getvalue().to_pybytes())
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write, sync and rename, so that a reader sees the old file or the new one, never a part.

    The temporary name starts with a dot, which readers of a data set skip.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_rows(root: Path, table: str, columns: list[str]) -> dict[str, list[Any]]:
    """Some columns of a table over all its part files; empty where there are none."""
    parts = sorted((root / table).glob("part-*.parquet"))
    schema = pa.schema([SCHEMAS[table].field(name) for name in columns])
    read = []
    for part in parts:
        try:
            read.append(pq.read_table(part, columns=columns, schema=SCHEMAS[table]))
        except (pa.ArrowException, OSError) as error:
            said = str(error).splitlines()[0]
            raise RequestError(
                f"{table}/{part.name} in {str(root)!r} cannot be read ({said}); "
                "`caviar verify` tells what else is damaged"
            ) from None
    whole = pa.concat_tables(read) if read else schema.empty_table()
    found: dict[str, list[Any]] = whole.to_pydict()
    return found
