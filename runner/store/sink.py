"""Where rows go: Parquet part files, complete at every instant, or a list in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from caviar.runner.config import TrialConfig
from caviar.runner.store.checkpoints import ENDED, continued, kept_trials, key_of
from caviar.runner.store.columns import OF_MODELS_ONLY
from caviar.runner.store.part_files import write_part
from caviar.runner.store.schemas import OUTCOMES, ROW_TABLES, TRIALS, trial_row
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome

ROWS_AT_ONCE = 1000
"""Rows of the table `trials` that are held as dictionaries while it is written."""


class Resumed(NamedTuple):
    """Jobs, some with the checkpoint that they resume from, and notes about it for the user."""

    jobs: list[Job]
    notes: list[str]


class MetricSink(Protocol):
    """Takes rows, checkpoints and outcomes; the last two count once all earlier rows are safe.

    `resume` is called before running jobs whose trials may have a checkpoint: they resume from it,
    and the rows up to it become theirs.
    """

    def plan(self, trials: Iterable[TrialConfig]) -> None: ...

    def write(self, block: Block) -> None: ...

    def checkpoint(self, checkpoint: Checkpoint) -> None: ...

    def commit(self, outcome: Outcome) -> None: ...

    def resume(self, jobs: Sequence[Job]) -> Resumed: ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


MEASURED = {
    table: frozenset(ROW_TABLES[table].names) - {"trial_id", "attempt"} for table in ROW_TABLES
}
"""The columns of a table that a block has."""


def check_columns(block: Block) -> None:
    """Raise ValueError for a missing column, or one that the schema does not declare: no
    measurement is dropped silently."""
    declared, columns = MEASURED[block.table], block.columns
    if odd := sorted((columns.keys() ^ declared) - (OF_MODELS_ONLY & declared)):
        raise ValueError(f"{block.table}: columns differ from the declared ones: {', '.join(odd)}")
    if len(set(map(len, columns.values()))) > 1:
        raise ValueError(f"{block.table}: columns of a block differ in length")


def to_table(*blocks: Block) -> pa.Table:
    """Blocks of one table, in order, as an Arrow table of its schema."""
    schema, counts = ROW_TABLES[blocks[0].table], [block.rows for block in blocks]
    trials = {trial: place for place, trial in enumerate(dict.fromkeys(b.trial_id for b in blocks))}
    places = np.repeat([trials[block.trial_id] for block in blocks], counts)
    columns = {
        "trial_id": pa.array(list(trials), pa.string()).take(pa.array(places)),
        "attempt": pa.array(np.repeat([block.attempt for block in blocks], counts), pa.int32()),
    }
    for name in MEASURED[blocks[0].table]:
        pieces = [_values(block, name) for block in blocks]
        columns[name] = pa.array(_joined(pieces), schema.field(name).type)
    return pa.table(columns, schema=schema)


def _values(block: Block, name: str) -> Any:
    """One column of a block; a trial lacks those of models alone."""
    return block.columns[name] if name in block.columns else [None] * block.rows


def _joined(pieces: Sequence[Any]) -> Any:
    """One column of several blocks."""
    if set(map(type, pieces)) == {np.ndarray}:
        return np.concatenate(pieces)
    lists = (piece.tolist() if isinstance(piece, np.ndarray) else piece for piece in pieces)
    return list(itertools.chain.from_iterable(lists))


class MemorySink:
    """Keeps rows and outcomes, no checkpoints; for tests and for runs without a disk."""

    def __init__(self) -> None:
        self.trials: list[TrialConfig] = []
        self.blocks: list[Block] = []
        self.outcomes: list[Outcome] = []

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        self.trials.extend(trials)

    def write(self, block: Block) -> None:
        check_columns(block)
        self.blocks.append(block)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        pass

    def commit(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def resume(self, jobs: Sequence[Job]) -> Resumed:
        return Resumed(list(jobs), [])

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class ParquetSink:
    """The one writer of `<table>/part-*.parquet` and `checkpoints/<trial>.npz` of a run.

    Rows wait in memory until there are `max_rows` of them or the oldest is `max_seconds` old. Then
    the rows of each table are written as one complete part file, followed by the checkpoints and
    outcomes that waited. A crash can lose only rows that no outcome counts yet; those that no
    checkpoint covers are computed again.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        max_rows: int = 500_000,
        max_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.storage = storage
        self.max_rows = max_rows
        self.max_seconds = max_seconds
        self._clock = clock
        self._waiting: dict[str, list[Block]] = {}
        self._carried: dict[str, pa.Table] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._outcomes: list[Outcome] = []
        self._kept = kept_trials(self.storage)
        self._rows = 0
        self._since: float | None = None

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        """Add trials to the run's plan."""
        # Some at a time: as dictionaries all rows take many times the memory of the plan.
        rows, tables = map(trial_row, trials), []
        while some := list(itertools.islice(rows, ROWS_AT_ONCE)):
            tables.append(pa.Table.from_pylist(some, schema=TRIALS))
        if tables:
            write_part(self.storage, "trials", pa.concat_tables(tables))

    def write(self, block: Block) -> None:
        # Arrow only when they are written: a table per block would cost many times as much.
        check_columns(block)
        self._waiting.setdefault(block.table, []).append(block)
        self._rows += block.rows
        self._started_waiting()
        self.tick()

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep it instead of the trial's last one, to be written after all earlier rows."""
        self._checkpoints[checkpoint.trial_id] = checkpoint
        self._started_waiting()
        self.tick()

    def commit(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._started_waiting()
        self.tick()

    def resume(self, jobs: Sequence[Job]) -> Resumed:
        """The jobs, with the checkpoints that count; the rows up to those wait to be written."""
        begun = self._kept | self._checkpoints.keys()
        if begun.isdisjoint(job.trial_id for job in jobs):
            return Resumed(list(jobs), [])
        self.flush()
        kept = continued(self.storage, [job for job in jobs if job.trial_id in self._kept])
        self._carried = kept.rows
        self._started_waiting()
        return Resumed([kept.jobs.get(job.trial_id, job) for job in jobs], kept.notes)

    def tick(self) -> None:
        """Flush if there is enough, or the oldest row has waited long enough."""
        old = self._since is not None and self._clock() - self._since >= self.max_seconds
        if old or self._rows >= self.max_rows:
            self.flush()

    def flush(self) -> None:
        """Write rows, checkpoints and outcomes, dropping each from memory once it is on disk."""
        for table in sorted(self._carried):
            write_part(self.storage, table, self._carried[table])
            del self._carried[table]
        for table in sorted(self._waiting):
            write_part(self.storage, table, to_table(*self._waiting[table]))
            del self._waiting[table]
        self._rows = 0
        ended = {outcome.trial_id for outcome in self._outcomes if outcome.status in ENDED}
        for trial_id in sorted(self._checkpoints.keys() - ended):
            self.storage.write(key_of(trial_id), self._checkpoints[trial_id].content)
            self._kept.add(trial_id)
        self._checkpoints = {}
        if self._outcomes:
            columns = {name: [getattr(o, name) for o in self._outcomes] for name in OUTCOMES.names}
            write_part(self.storage, "outcomes", pa.table(columns, schema=OUTCOMES))
            self._outcomes = []
        for trial_id in sorted(self._kept & ended):
            self.storage.delete(key_of(trial_id))
            self._kept.remove(trial_id)
        self._since = None

    def close(self) -> None:
        self.flush()

    def _started_waiting(self) -> None:
        if self._since is None:
            self._since = self._clock()
