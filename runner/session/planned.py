"""The trials that a run must have, under the identities that it uses, and those that it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from caviar.runner.config import TrialConfig
from caviar.runner.store.part_files import read_columns, read_rows
from caviar.runner.store.schemas import ROW_TABLES, TRIALS, config_of
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import SETTLED
from caviar.runner.trials import CompactConfig, Compacting


def planned(storage: Storage, plan: Plan, settled: Collection[str]) -> list[CompactConfig]:
    """The trials of a plan; one that the run has under other identities is replaced by those.

    Older runs, in which fields without effect were not set to their defaults, hold the same
    training under several identities. These count as the plan's trial, and the run finishes those
    that it began. `settled` are the trials that need no further attempt.
    """
    known = set(read_rows(storage, "trials", ["trial_id"])["trial_id"])
    trials = plan.trials.compact
    ids = {trial.trial_id for trial in trials}
    others = known - ids if ids - known else known - ids - set(settled)
    same = _by_training(storage, plan, others) if others else {}
    kept = [t for t in trials if t.trial_id in known or t.trial_id not in same]
    instead = (trial for t in trials for trial in same.get(t.trial_id, []))
    return kept + list(map(Compacting(), instead))


def _by_training(
    storage: Storage, plan: Plan, trial_ids: Collection[str]
) -> dict[str, list[TrialConfig]]:
    """Trials of the run by the identity that the plan gives to the same training."""
    columns = read_rows(storage, "trials", TRIALS.names)
    same: dict[str, list[TrialConfig]] = defaultdict(list)
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        if row["trial_id"] in trial_ids:
            trial = config_of(row, plan.bench.dataset)
            if trial.trial_id == row["trial_id"]:
                same[plan.bench.as_trained(trial).trial_id].append(trial)
    return same


def settled_trials(storage: Storage) -> set[str]:
    """The trials that need no further attempt."""
    outcomes = read_rows(storage, "outcomes", ["trial_id", "status"])
    ended = zip(outcomes["trial_id"], outcomes["status"], strict=True)
    return {trial for trial, status in ended if status in SETTLED}


def attempts_so_far(storage: Storage) -> dict[str, int]:
    """The last attempt at each trial of which a table has a row."""
    attempts: dict[str, int] = {}
    for table in (*ROW_TABLES, "outcomes"):
        for trial, attempt in _last_attempts(storage, table):
            attempts[trial] = max(attempt, attempts.get(trial, -1))
    return attempts


def _last_attempts(storage: Storage, table: str) -> Iterator[tuple[str, int]]:
    attempts = read_columns(storage, table, ["trial_id", "attempt"])
    last = attempts.group_by("trial_id").aggregate([("attempt", "max")]).to_pydict()
    return zip(last["trial_id"], last["attempt_max"], strict=True)
