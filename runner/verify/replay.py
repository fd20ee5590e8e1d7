"""Compute a trial of a run again and compare every bit."""

from __future__ import annotations

import math
from typing import Any

import pyarrow.compute as pc

from caviar.runner.config import DatasetConfig, TrialConfig
from caviar.runner.data.sources import load_data
from caviar.runner.errors import RequestError, nearest
from caviar.runner.executors.blas_threads import one_blas_thread
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.part_files import read_rows, rows_of
from caviar.runner.store.schemas import KEYS, ROW_TABLES, TRIALS, config_of
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import Block, Job, Outcome
from caviar.runner.trial.run_trial import run_trial
from caviar.runner.verify.run import latest_outcomes


def replay_trial(storage: Storage, trial_id: str) -> tuple[bool, str]:
    """Whether the trial gives the same bits again, and a sentence; RequestError if it cannot."""
    config = _config(storage, trial_id)
    outcome = latest_outcomes(storage).get(trial_id)
    if outcome is None:
        raise RequestError(f"trial {trial_id} has no outcome yet; finish the run first")
    data = load_data(config.dataset)
    if data.fingerprint != config.dataset.fingerprint:
        raise RequestError(
            f"the data of {config.dataset.title!r} have changed since the run "
            f"(fingerprint {config.dataset.fingerprint} then, {data.fingerprint} now)"
        )
    fresh: dict[str, dict[str, list[Any]]] = {}
    job = Job(config, trial_id, outcome["attempt"], checkpoint_seconds=math.inf)
    with one_blas_thread():
        for event in run_trial(job, data):
            if isinstance(event, Block):
                columns = fresh.setdefault(event.table, {})
                for name, values in event.columns.items():
                    columns.setdefault(name, []).extend(values)
            elif isinstance(event, Outcome) and event.status != outcome["status"]:
                return False, f"{outcome['status']} then, {event.status} now: {event.error}"
    rows = 0
    for table in ROW_TABLES:
        then = _sorted_rows(storage, table, trial_id, outcome["attempt"])
        now = _by_key(table, fresh.get(table, {}))
        parted = _first_difference(table, then, now)
        if parted:
            return False, parted
        rows += len(now)
    return True, f"trial {trial_id}: the same bits in all {rows:,} rows"


def _config(storage: Storage, trial_id: str) -> TrialConfig:
    study = read_study_json(storage)["study"]
    trials = read_rows(storage, "trials", TRIALS.names)
    if trial_id not in trials["trial_id"]:
        known = trials["trial_id"]
        raise RequestError(f"no trial {trial_id!r} in this run; {nearest(trial_id, known[:50])}")
    at = trials["trial_id"].index(trial_id)
    row = {name: values[at] for name, values in trials.items()}
    return config_of(row, DatasetConfig(**study["dataset"]))


Rows = dict[tuple[Any, ...], dict[str, Any]]


def _sorted_rows(storage: Storage, table: str, trial_id: str, attempt: int) -> Rows:
    rows = rows_of(storage, table, [trial_id])
    return _by_key(table, rows.filter(pc.equal(rows["attempt"], attempt)).to_pydict())


def _by_key(table: str, columns: dict[str, list[Any]]) -> Rows:
    keys = [key for key in KEYS[table] if key not in ("trial_id", "attempt")]
    names = [name for name in columns if name not in ("trial_id", "attempt")]
    rows = (
        dict(zip(names, row, strict=True))
        for row in zip(*(columns[name] for name in names), strict=True)
    )
    return {tuple(row[key] for key in keys): row for row in rows}


def _first_difference(table: str, then: Rows, now: Rows) -> str | None:
    if then.keys() != now.keys():
        return f"{table}: {len(then)} rows then, {len(now)} rows now, not of the same keys"
    for key, row in sorted(then.items()):
        for name, value in row.items():
            again = now[key][name]
            if not _same(value, again):
                place = ", ".join(str(part) for part in key)
                return f"{table} ({place}): {name} was {value!r} and is {again!r} now"
    return None


def _same(value: Any, again: Any) -> bool:
    """Equal, and NaN equal to NaN, also within a list."""
    if isinstance(value, list):
        pairs = zip(value, again, strict=False)
        return len(value) == len(again) and all(_same(one, other) for one, other in pairs)
    both_nan = isinstance(value, float) and math.isnan(value) and math.isnan(float(again))
    return bool(value == again) or both_nan
