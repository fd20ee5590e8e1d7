"""Compute a trial of a run again and compare every bit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow.compute as pc

from caviar.model.records import Record
from caviar.runner.config import TrialConfig
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError, nearest
from caviar.runner.executors.blas_threads import one_blas_thread
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.session.difference import difference as difference_of
from caviar.runner.session.run_folder import FOLDERS, facts, read_study_json
from caviar.runner.store.part_files import read_rows, rows_of
from caviar.runner.store.schemas import ROW_TABLES, TRIALS, config_of
from caviar.runner.store.storage import Storage
from caviar.runner.study.of_model import must_be_a_study
from caviar.runner.trial.arithmetic import Arithmetic, arithmetic
from caviar.runner.trial.changing.phases import training_after
from caviar.runner.trial.events import WHOLE, Block, Job, Outcome
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.run_trial import Trainer, path_of, run_trial
from caviar.runner.verify.differences import LAST_DIGITS, Rows, by_key, difference
from caviar.runner.verify.moved import moved, rooted
from caviar.runner.verify.run import latest_outcomes

MORE_THAN_DIGITS = (
    "that is more than last digits; with the run's own kernel (OPENBLAS_CORETYPE names it), "
    "`caviar replay` compares every bit"
)


class Replayed(NamedTuple):
    """Whether a trial is the same, except for the last digits of another kernel; a sentence."""

    holds: bool
    says: str


def replay_trial(storage: Storage, trial_id: str, place: str | None = None) -> Replayed:
    """Compute a trial again; raises RequestError if that is not possible.

    `place`: where the data lie now, if they have moved.
    """
    made = read_study_json(storage)
    must_be_a_study(made, storage.where, "only its owner can train it again")
    config = config_of_trial(storage, trial_id)
    outcome = latest_outcomes(storage).get(trial_id)
    if outcome is None:
        raise RequestError(f"trial {trial_id} has no outcome yet; finish the run first")
    return compared(storage, made, config, outcome, data_of(storage, config, place))


def compared(
    rows_in: Storage,
    made: dict[str, Any],
    config: TrialConfig,
    outcome: dict[str, Any],
    data: Data,
    after: int = 0,
) -> Replayed:
    """Compute a trial again, and compare what it yields after a step with the rows that lie in a
    storage; `made` is the `study.json` of its run, `outcome` that of its last attempt."""
    trial_id, path = config.trial_id, TrainingPath(outcome["path"] or TrainingPath.numpy)
    job = Job(config, trial_id, outcome["attempt"], checkpoint_seconds=math.inf, path=path)
    with one_blas_thread():
        here = arithmetic(path)
        early = outcome["status"] == "stopped"
        trainer = _up_to(outcome["steps"], job, data) if early else None
        fresh, ended = _computed(job, data, trainer, after)
    elsewhere = made_elsewhere(made, outcome, here)
    if ended.status != outcome["status"] and not (early and ended.status in WHOLE):
        sentence = f"{outcome['status']} then, {ended.status} now: {ended.error}"
        return Replayed(False, f"{elsewhere}{sentence}")
    then = {table: _of_attempt(rows_in, table, job) for table in ROW_TABLES}
    now = {table: by_key(table, fresh.get(table, {})) for table in ROW_TABLES}
    rows = sum(len(rows_of_table) for rows_of_table in now.values())
    parted = [d for table in ROW_TABLES if (d := difference(table, then[table], now[table]))]
    if not parted:
        return Replayed(True, f"trial {trial_id}: the same bits in all {rows:,} rows")
    largest = max(part.largest for part in parted)
    if elsewhere and largest <= LAST_DIGITS:
        sentence = f"the last digits differ (largest {largest:.1g})"
        return Replayed(True, f"trial {trial_id}: {elsewhere}{sentence}")
    return Replayed(False, elsewhere + parted[0].first + (elsewhere and f"; {MORE_THAN_DIGITS}"))


def data_of(storage: Storage, config: TrialConfig, place: str | None) -> Data:
    """The data of a trial; raises RequestError where they are not those of the run."""
    recorded = config.dataset
    dataset = recorded if place is None else moved(recorded, place)
    try:
        data = load_data(dataset)
    except RequestError as error:
        if place is not None or recorded.name is not None:
            raise
        raise RequestError(
            f"{error}; if the data have moved, name the place: --data PLACE"
        ) from None
    if recorded.fingerprint in (data.fingerprint, data.former_fingerprint):
        return data
    changes = difference_of(read_study_json(storage).get("data"), facts(data, config), "data")
    raise RequestError(
        f"the data of {dataset.title!r} are not those of the run "
        f"(fingerprint {recorded.fingerprint} then, {data.fingerprint} now)"
        + "".join(f"; {change}" for change in changes[:3])
    )


def made_elsewhere(study: dict[str, Any], outcome: dict[str, Any], here: Arithmetic) -> str:
    """`made on X, here Y: ` if a trial was computed with another kernel, or may have been.

    Older runs, whose outcomes name no kernel, record only the library and the core type that it
    was told to use.
    """
    made, computed = outcome["kernel"], here.kernel
    if made is None:
        made = f"{study['sessions'][-1].get('blas', 'an unknown BLAS')} (no kernel recorded)"
    elif made == computed and outcome["blas_threads"] != here.threads:
        made += f" with {outcome['blas_threads']} BLAS threads"
        computed += f" with {here.threads}"
    return "" if made in ("", computed) else f"made on {made}, here {computed}: "


def _up_to(step: int, job: Job, data: Data) -> Trainer:
    """Trains a job as far as an attempt that was stopped early, whatever trials were before it."""
    _, trains = path_of(job.path, training_after(job.config, data, 0))

    def trainer(*given: Any) -> Iterator[Record]:
        return itertools.takewhile(lambda record: record.step <= step, trains(*given))

    return trainer


def _computed(
    job: Job, data: Data, trainer: Trainer | None, after: int
) -> tuple[dict[str, dict[str, list[Any]]], Outcome]:
    """The rows of a trial after a step, by table and column, and how it ended."""
    fresh: dict[str, dict[str, list[Any]]] = {}
    for event in run_trial(job, data, trainer=trainer):
        if isinstance(event, Block):
            columns = fresh.setdefault(event.table, {})
            late = [step > after for step in event.columns["step"]]
            for name, values in event.columns.items():
                columns.setdefault(name, []).extend(itertools.compress(values, late))
        elif isinstance(event, Outcome):
            ended = event
    return fresh, ended


def config_of_trial(storage: Storage, trial_id: str) -> TrialConfig:
    content = read_study_json(storage)
    trials = read_rows(storage, "trials", TRIALS.names)
    if trial_id not in trials["trial_id"]:
        known, blocks = trials["trial_id"], trial_id.split("+")
        if len(blocks) > 1 and set(blocks) <= set(known):
            raise RequestError(
                f"{trial_id!r} is {len(blocks)} trials that are read as one, because seeds joined "
                f"it; replay each by its own name: {', '.join(blocks)}"
            )
        raise RequestError(f"no trial {trial_id!r} in this run; {nearest(trial_id, known[:50])}")
    position = trials["trial_id"].index(trial_id)
    row = {name: values[position] for name, values in trials.items()}
    dataset = DatasetConfig(**content["study"]["dataset"])
    return config_of(row, rooted(dataset, content.get(FOLDERS, []), storage.where))


def _of_attempt(storage: Storage, table: str, job: Job) -> Rows:
    rows = rows_of(storage, table, [job.trial_id])
    return by_key(table, rows.filter(pc.equal(rows["attempt"], job.attempt)).to_pydict())
