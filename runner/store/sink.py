"""Where rows go: Parquet part files, complete at every instant, or a list in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from caviar.runner.config import TrialConfig
from caviar.runner.store.checkpoints import ENDED, continued, kept_trials, key_of
from caviar.runner.store.part_files import write_part
from caviar.runner.store.schemas import OUTCOMES, ROW_TABLES, TRIALS, trial_row
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import Block, Checkpoint, Job, Outcome


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


Columns = dict[str, list[Any]]


def whole_columns(block: Block) -> Columns:
    """All columns of the block's table, by name.

    Raises ValueError for a missing column, or one that the schema does not declare: no
    measurement is dropped silently.
    """
    columns = dict(block.columns)
    columns["trial_id"] = [block.trial_id] * block.rows
    columns["attempt"] = [block.attempt] * block.rows
    declared = ROW_TABLES[block.table].names
    if columns.keys() != set(declared):
        odd = sorted(columns.keys() ^ set(declared))
        raise ValueError(f"{block.table}: columns differ from the declared ones: {', '.join(odd)}")
    if any(len(values) != block.rows for values in columns.values()):
        raise ValueError(f"{block.table}: columns of a block differ in length")
    return columns


def to_table(block: Block) -> pa.Table:
    """The block as an Arrow table of its declared schema; raises as `whole_columns`."""
    return pa.table(whole_columns(block), schema=ROW_TABLES[block.table])


class MemorySink:
    """Keeps rows and outcomes, no checkpoints; for tests and for runs without a disk."""

    def __init__(self) -> None:
        self.trials: list[TrialConfig] = []
        self.blocks: list[Block] = []
        self.outcomes: list[Outcome] = []

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        self.trials.extend(trials)

    def write(self, block: Block) -> None:
        to_table(block)
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
        max_rows: int = 200_000,
        max_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.storage = storage
        self.max_rows = max_rows
        self.max_seconds = max_seconds
        self._clock = clock
        self._waiting: dict[str, Columns] = {}
        self._carried: dict[str, pa.Table] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._outcomes: list[Outcome] = []
        self._kept = kept_trials(self.storage)
        self._rows = 0
        self._since: float | None = None

    def plan(self, trials: Iterable[TrialConfig]) -> None:
        """Add trials to the run's plan."""
        rows = [trial_row(config) for config in trials]
        if rows:
            write_part(self.storage, "trials", pa.Table.from_pylist(rows, schema=TRIALS))

    def write(self, block: Block) -> None:
        waiting = self._waiting.setdefault(block.table, {})
        # One Arrow table per block would cost ten times as much: blocks are small and many.
        for name, values in whole_columns(block).items():
            waiting.setdefault(name, []).extend(values)
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
        if not any(job.trial_id in self._kept | self._checkpoints.keys() for job in jobs):
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
        for waiting in (self._carried, self._waiting):
            for table in sorted(waiting):
                write_part(self.storage, table, pa.table(waiting[table], schema=ROW_TABLES[table]))
                del waiting[table]
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
