"""Proof that each row of a run exists exactly once, with the same bits if computed twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caviar.runner.store.part_files import read_columns, rows_of
from caviar.runner.store.schemas import KEYS, ROW_TABLES
from caviar.runner.store.storage import Storage
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.differences import LAST_DIGITS, distance
from caviar.runner.verify.findings import Findings

Bools = NDArray[np.bool_]
ROWS_AT_A_TIME = 500_000
"""The number of rows searched for duplicates at a time, which bounds the memory."""


class _Trials(NamedTuple):
    """The planned trials in one order: their ids, and the attempt that counts (-1: none)."""

    ids: pa.Array
    attempts: NDArray[np.int64]


class _Rows(NamedTuple):
    """Which rows of a table count, and which belong to given-up attempts or to no plan."""

    keys: pa.Table
    counted: Bools
    superseded: Bools
    orphans: Bools


def check_rows(
    storage: Storage,
    seeds: Mapping[str, Sequence[int]],
    outcomes: Mapping[str, Mapping[str, Any]],
    findings: Findings,
    kernels: int = 1,
) -> None:
    """Check that no row is lost, duplicate or unplanned, and that repeated rows have the same bits.

    If several `kernels` computed the run, repeated rows may differ in their last digits.
    """
    ids = list(seeds)
    attempts = np.array([outcomes.get(t, {"attempt": -1})["attempt"] for t in ids], np.int64)
    trials = _Trials(pa.array(ids, pa.string()), attempts)
    rows_per_trial: Counter[str] = Counter()
    superseded = orphans = duplicates = strangers = 0
    repeated = _Repeated()
    for table in ROW_TABLES:
        rows = _sorted_out(read_columns(storage, table, KEYS[table]), trials)
        counted = rows.keys if rows.counted.all() else rows.keys.filter(pa.array(rows.counted))
        rows_per_trial.update(_counts(counted, ["trial_id"]))
        superseded += int(rows.superseded.sum())
        orphans += int(rows.orphans.sum())
        duplicates += _duplicates(counted, KEYS[table])
        strangers += _of_other_seeds(counted, seeds)
        if rows.superseded.any():
            repeated.add(table, *_both(storage, table, trials, rows))
        del rows, counted  # Before the next table is read.
    _say_counts(rows_per_trial, outcomes, findings)
    findings.check(not duplicates, "no duplicate rows", f"{duplicates} duplicate rows")
    findings.check(
        not orphans, "no rows of unplanned trials", f"{orphans} rows of unplanned trials"
    )
    findings.check(not strangers, "only planned seeds", f"{strangers} rows of unplanned seeds")
    if superseded:
        findings.good(f"{superseded:,} rows of given-up attempts, which readers leave out")
    repeated.say(findings, kernels)


def _sorted_out(keys: pa.Table, trials: _Trials) -> _Rows:
    trial = pc.index_in(keys["trial_id"], value_set=trials.ids)
    planned = pc.is_valid(trial).to_numpy()
    counting = np.append(trials.attempts, -1)[pc.fill_null(trial, len(trials.ids)).to_numpy()]
    counted = planned & (keys["attempt"].to_numpy() == counting)
    return _Rows(keys, counted, planned & ~counted, ~planned)


def _counts(rows: pa.Table, by: list[str]) -> dict[Any, int]:
    groups = rows.group_by(by).aggregate([([], "count_all")]).to_pydict()
    keys = groups[by[0]] if len(by) == 1 else zip(*(groups[name] for name in by), strict=True)
    return dict(zip(keys, groups["count_all"], strict=True))


def _duplicates(counted: pa.Table, keys: list[str]) -> int:
    """The number of rows whose key another row has; some trials at a time, to bound the memory."""
    ids, duplicates = pc.unique(counted["trial_id"]), 0
    each = max(1, len(ids) * ROWS_AT_A_TIME // max(1, counted.num_rows))
    for first in range(0, len(ids), each):
        rows = counted.filter(pc.is_in(counted["trial_id"], value_set=ids[first : first + each]))
        duplicates += rows.num_rows - len(rows.group_by(keys).aggregate([]))
    return duplicates


def _of_other_seeds(counted: pa.Table, seeds: Mapping[str, Sequence[int]]) -> int:
    by_seed = _counts(counted, ["trial_id", "seed"])
    return sum(n for (trial, seed), n in by_seed.items() if seed not in seeds[trial])


def _say_counts(
    rows_per_trial: Counter[str], outcomes: Mapping[str, Mapping[str, Any]], findings: Findings
) -> None:
    short = [
        trial
        for trial, outcome in outcomes.items()
        if outcome["status"] in SETTLED and rows_per_trial[trial] != outcome["rows"]
    ]
    findings.check(
        not short,
        f"{sum(rows_per_trial.values()):,} rows, as many as the outcomes say",
        f"{len(short)} trials have more or fewer rows than their outcome says, "
        f"the first is {short[0] if short else ''}",
    )


def _both(storage: Storage, table: str, trials: _Trials, rows: _Rows) -> tuple[pa.Table, pa.Table]:
    """Of trials that have both, the rows that count and those of given-up attempts, all columns."""
    twice = pc.unique(rows.keys.filter(pa.array(rows.superseded))["trial_id"])
    whole = _sorted_out(rows_of(storage, table, twice.to_pylist()), trials)
    return (
        whole.keys.filter(pa.array(whole.counted)),
        whole.keys.filter(pa.array(whole.superseded)),
    )


class _Repeated:
    """Counts rows that were computed more than once, and those of them whose bits differ."""

    def __init__(self) -> None:
        self.rows = 0
        self.different = 0
        self.largest = 0.0
        self.first = ""

    def add(self, table: str, counted: pa.Table, given_up: pa.Table) -> None:
        keys = [name for name in KEYS[table] if name != "attempt"]
        values = [name for name in counted.column_names if name not in (*keys, "attempt")]
        last = dict(_by_key(counted, keys, values))
        for key, held in _by_key(given_up, keys, values):
            if key in last:
                self.rows += 1
                # As text, which tells every bit apart and has NaN equal to NaN.
                if repr(last[key]) != repr(held):
                    self.different += 1
                    self.largest = max(self.largest, distance(list(last[key]), list(held)))
                    self.first = self.first or f"{table} {', '.join(map(str, key))}"

    def say(self, findings: Findings, kernels: int) -> None:
        if kernels > 1 and self.different and self.largest <= LAST_DIGITS:
            findings.good(
                f"{self.different} of {self.rows} of them differ from the rows that count in the "
                f"last digits (largest {self.largest:.1g}): {kernels} kernels computed this run"
            )
        elif self.rows:
            findings.check(
                not self.different,
                f"{self.rows:,} of them repeat rows that count, with the same bits",
                f"{self.different} of {self.rows} of them differ from the rows that count, "
                f"first {self.first} (workers with different machines or BLAS?)",
            )


def _by_key(rows: pa.Table, keys: list[str], values: list[str]) -> list[tuple[Any, Any]]:
    """Each row's key and its values."""
    columns = rows.to_pydict()
    named = zip(*(columns[name] for name in keys), strict=True)
    held = zip(*(columns[name] for name in values), strict=True)
    return list(zip(named, held, strict=True))
