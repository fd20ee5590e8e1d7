"""A run on disk of somebody's own model: a watched training or an audit, in the tables of a run."""

from __future__ import annotations

import hashlib
import json
import platform
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any, Literal

import pyarrow as pa

from caviar.runner.errors import RequestError
from caviar.runner.session.loop import Progress
from caviar.runner.session.pace import PACE
from caviar.runner.session.run_folder import STUDY, read_study_json, session
from caviar.runner.session.run_log import RunLog
from caviar.runner.store.compact import compact
from caviar.runner.store.part_files import listed_parts, read_rows, write_part
from caviar.runner.store.schemas import ROW_TABLES, TRIALS
from caviar.runner.store.sink import MEASURED, ParquetSink
from caviar.runner.store.storage import Storage
from caviar.runner.study.of_model import MODEL, model_in_words
from caviar.runner.trial.events import Block, Idle, Outcome, Started, Status

Kind = Literal["watched training", "audit"]

SEED = 0
"""The one network of such a run."""

Rows = Sequence[Mapping[str, Any]]


class ModelRun:
    """The one writer of a model's rows; a run has one trial, whose id is random.

    What is not known of the model is null in its row of `trials`, and a column that does not apply
    is null in every table.
    """

    def __init__(self, storage: Storage, command: str) -> None:
        self._storage = storage
        self._trial = secrets.token_hex(6)
        self._sink = ParquetSink(storage, max_seconds=PACE.rows_seconds)
        self._log = RunLog(storage)
        self._progress = Progress(1, 0, {self._trial: 1.0})
        self._log.begin(command, 1, 0)

    def plan(self, fields: Mapping[str, Any]) -> None:
        """Write the row of `trials`: the config fields that are known of the model."""
        row = {"trial_id": self._trial, "seeds": [SEED], "draw": 0, "arm": "", **fields}
        write_part(self._storage, "trials", pa.Table.from_pylist([row], schema=TRIALS))
        self._log(self._progress, Started(self._trial, 0))

    def write(self, table: str, rows: Rows) -> None:
        """Add rows of a table; raises ValueError for a column that it does not declare."""
        columns = {name: [row.get(name) for row in rows] for name in MEASURED[table]}
        if strangers := {name for row in rows for name in row} - columns.keys():
            raise ValueError(f"{table} has no column {', '.join(sorted(strangers))}")
        columns["seed"] = [SEED] * len(rows)
        self._sink.write(Block(self._trial, 0, table, columns))
        self._progress.rows += len(rows)

    def tick(self) -> None:
        """Write what has waited long enough."""
        self._sink.tick()
        self._log(self._progress, Idle())

    def end(self, status: Status, steps: int, probe_seconds: float, error: str) -> None:
        """Write all that waits and how it ended; many part files become few."""
        outcome = Outcome(
            self._trial,
            0,
            status,
            seconds=self._progress.seconds,
            probe_seconds=probe_seconds,
            steps=steps,
            rows=self._progress.rows,
            host=platform.node(),
            error=error,
        )
        self._sink.commit(outcome)
        self._sink.close()
        self._progress.settled = [outcome]
        self._progress.outcomes[status] += 1
        self._log(self._progress, Idle())
        self._log.end(self._progress)
        compact(self._storage, most=PACE.most_parts)


@contextmanager
def model_run(
    storage: Storage, name: str, kind: Kind, described: Mapping[str, Any], command: str
) -> Iterator[ModelRun]:
    """Begin a run of a model: hold its place, and write what is known of it to `study.json`.

    `described` says what the model is, in plain values. Raises RequestError where something lies
    there already, except for a run of the same model that was ended before its first row.
    """
    with storage.hold():
        model = {"kind": kind, **described}
        identity = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()[:12]
        make_empty(storage, identity)
        content = {
            "hash": identity,
            "study": {"name": name, "dataset": {}, "scientific": {}, "nuisance": {}},
            "sessions": [_session(command)],
            "data": {},
            MODEL: model,
        }
        storage.write(STUDY, json.dumps(content, indent=1).encode())
        yield ModelRun(storage, command)


def make_empty(storage: Storage, identity: str) -> None:
    """Take away what a run of the same model left that ended before its first row.

    Raises RequestError where anything else lies there.
    """
    names = storage.names("")
    if not names:
        return
    where = repr(storage.where)
    if STUDY not in names:
        raise RequestError(f"{where} holds files that are not a run; give another out")
    content = read_study_json(storage)
    if MODEL not in content:
        raise RequestError(f"{where} holds the study {content['study']['name']}; give another out")
    if any(read_rows(storage, table, ["trial_id"])["trial_id"] for table in ROW_TABLES):
        raise RequestError(
            f"{where} holds the {model_in_words(content)} already, and stays as it is; give "
            "another out"
        )
    if content["hash"] != identity:
        raise RequestError(f"{where} was begun for another model; give another out")
    for table in ("trials", "outcomes"):
        for part in listed_parts(storage, table):
            storage.delete(f"{table}/{part}")


def _session(command: str) -> dict[str, Any]:
    """Where and with what it ran; the model's framework computed it, no kernel of ours."""
    here = session(command)
    computed = f"torch {metadata.version('torch')}"
    versions = {**here["versions"], "torch": metadata.version("torch")}
    return {**here, "versions": versions, "blas": computed, "kernel": computed}
