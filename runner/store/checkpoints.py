"""What a run keeps of unfinished trials: the last checkpoint and the rows up to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caviar.runner.errors import StorageError
from caviar.runner.store.part_files import read_rows, rows_of
from caviar.runner.store.schemas import ROW_TABLES
from caviar.runner.store.storage import Storage, read
from caviar.runner.trial.checkpoint import CheckpointError, Header, header
from caviar.runner.trial.events import Job, Status

FOLDER = "checkpoints"
ENDED: frozenset[Status] = frozenset({"completed", "diverged", "stopped", "failed"})
"""Outcomes after which a checkpoint is useless; a trial whose machines were lost can resume."""


def key_of(trial_id: str) -> str:
    return f"{FOLDER}/{trial_id}.npz"


def kept_trials(storage: Storage) -> set[str]:
    """The trials that have a checkpoint."""
    names = storage.names(FOLDER)
    return {name.removesuffix(".npz") for name in names if name.endswith(".npz")}


def forget_ended(storage: Storage) -> None:
    """Delete checkpoints of finished trials that were left by a driver killed in between."""
    kept = kept_trials(storage)
    if not kept:
        return
    rows = read_rows(storage, "outcomes", ["trial_id", "status"])
    last = dict(zip(rows["trial_id"], rows["status"], strict=True))
    for trial_id in kept:
        if last.get(trial_id) in ENDED:
            storage.delete(key_of(trial_id))


def forget_all(storage: Storage) -> None:
    """Delete every checkpoint, so that all unfinished trials start again."""
    for trial_id in kept_trials(storage):
        storage.delete(key_of(trial_id))


class Continued(NamedTuple):
    """The jobs that resume from a checkpoint, by trial; the rows up to there under the jobs' own
    attempts, by table; and a sentence for each checkpoint that does not count."""

    jobs: dict[str, Job]
    rows: dict[str, pa.Table]
    notes: list[str]


def continued(storage: Storage, jobs: list[Job]) -> Continued:
    """What the checkpoints of these jobs' trials hold.

    A checkpoint counts if it can be read and all rows up to it exist. Readers keep the rows of one
    attempt, so earlier rows are written again under the attempt that resumes.
    """
    headers, reasons = _examined(storage, [job.trial_id for job in jobs])
    continuing = {
        job.trial_id: replace(job, checkpoint=read(storage, key_of(job.trial_id)))
        for job in jobs
        if job.trial_id in headers
    }
    now = {trial_id: job.attempt for trial_id, job in continuing.items()}
    rows = {t: _under(now, r) for t, r in _covered(storage, headers).items()}
    notes = [
        f"the checkpoint of trial {trial_id} does not count: {why}; the trial starts from the "
        "beginning"
        for trial_id, why in reasons.items()
    ]
    return Continued(continuing, rows, notes)


def uncounted(storage: Storage, trial_ids: list[str]) -> dict[str, str]:
    """For each trial whose checkpoint does not count, the reason."""
    return _examined(storage, trial_ids)[1]


def _examined(storage: Storage, trial_ids: list[str]) -> tuple[dict[str, Header], dict[str, str]]:
    """The headers of the checkpoints that count, and why the others do not."""
    headers, reasons = {}, {}
    for trial_id in trial_ids:
        try:
            headers[trial_id] = _header(storage, trial_id)
        except (OSError, StorageError, CheckpointError) as error:
            reasons[trial_id] = str(error)
    rows_per_trial: Counter[str] = Counter()
    for rows in _covered(storage, headers).values():
        rows_per_trial.update(rows["trial_id"].to_pylist())
    for trial_id in [
        trial for trial, head in headers.items() if rows_per_trial[trial] != head.rows
    ]:
        expected = headers.pop(trial_id).rows
        reasons[trial_id] = f"{rows_per_trial[trial_id]} of the {expected} rows before it exist"
    return headers, reasons


def _header(storage: Storage, trial_id: str) -> Header:
    head = header(read(storage, key_of(trial_id)))
    if head.trial_id != trial_id:
        raise CheckpointError(f"it is of trial {head.trial_id}")
    return head


def _covered(storage: Storage, headers: dict[str, Header]) -> dict[str, pa.Table]:
    """The rows that the checkpoints cover, by table."""
    ids = list(headers)
    trials = pa.array(ids, pa.string())
    attempts = np.array([head.attempt for head in headers.values()])
    until = np.array([head.step for head in headers.values()])
    covered = {}
    for table in ROW_TABLES if ids else ():
        rows = rows_of(storage, table, ids)
        trial = pc.index_in(rows["trial_id"], value_set=trials).to_numpy()
        mine = rows["attempt"].to_numpy() == attempts[trial]
        covered[table] = rows.filter(pa.array(mine & (rows["step"].to_numpy() <= until[trial])))
    return {table: rows for table, rows in covered.items() if rows.num_rows}


def _under(attempts: dict[str, int], rows: pa.Table) -> pa.Table:
    """The rows of these trials, with their attempt numbers replaced by these."""
    trials = pa.array(list(attempts), pa.string())
    kept = rows.filter(pc.is_in(rows["trial_id"], value_set=trials))
    trial = pc.index_in(kept["trial_id"], value_set=trials).to_numpy()
    now = pa.array(np.array(list(attempts.values()), np.int32)[trial])
    return kept.set_column(kept.schema.get_field_index("attempt"), "attempt", now)
