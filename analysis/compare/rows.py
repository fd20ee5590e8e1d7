"""The rows of trials that two runs share, bit for bit: where they first differ and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.read import MEASUREMENTS, SETTLED, Run

Array = NDArray[Any]

_WHO = ["trial_id", "seed", "step"]
KEYS = {
    "curves": _WHO,
    "evaluations": [*_WHO, "split", "statistics", "tracker", "probe_batch_size"],
    "statistics": [*_WHO, "layer", "tracker"],
    "noise": [*_WHO, "layer", "probe_batch_size"],
    "predictions": [*_WHO, "statistics", "example"],
}
"""The columns that identify a row of each table."""


@dataclass(frozen=True)
class Parting:
    """A value that differs: the table, the place by its keys, and the value in each run."""

    table: str
    place: dict[str, Any]
    column: str
    first_value: Any
    second_value: Any


@dataclass(frozen=True)
class ComparedTable:
    """One table of both runs: how many rows are in both, in only one, and differ in a bit.

    `largest` is the largest absolute difference of every column that differs, infinite where only
    one side is finite; `relative` that of all columns, in units of the value where it exceeds 1.
    """

    table: str
    rows: int
    alone: int
    differing: int
    largest: dict[str, float]
    relative: float
    first: Parting | None


@dataclass(frozen=True)
class Bits:
    """The trials that both runs finished, table by table."""

    trials: int
    tables: tuple[ComparedTable, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def alone(self) -> int:
        return sum(table.alone for table in self.tables)

    @property
    def differing(self) -> int:
        return sum(table.differing for table in self.tables)

    @property
    def same(self) -> bool:
        return self.differing == self.alone == 0

    @property
    def largest_loss(self) -> float:
        """The largest difference of any loss under any statistics or in training, in nats."""
        return max((table.largest.get("loss", 0.0) for table in self.tables), default=0.0)

    @property
    def relative(self) -> float:
        """The largest difference of any value, in units of the value where it exceeds 1."""
        return max(table.relative for table in self.tables)

    @property
    def first(self) -> Parting | None:
        """The difference at the earliest step."""
        partings = [table.first for table in self.tables if table.first]
        return min(partings, key=lambda parting: parting.place["step"], default=None)


def shared_bits(first: Run, second: Run) -> Bits:
    """Compare every measured value of the trials that both runs finished.

    Trials are the same where their `trial_id` is: it names every field, the seeds and the
    content of the data. Two values are the same where all their bits are, or both are NaN.
    """
    shared = sorted(settled(first) & settled(second))
    tables = (
        _compared(table, *(_rows(getattr(run, table), shared) for run in (first, second)))
        for table in MEASUREMENTS
    )
    return Bits(len(shared), tuple(tables))


def settled(run: Run) -> set[str]:
    """The trials of a run that ended with a result."""
    return set(run.outcomes.loc[run.outcomes["status"].isin(SETTLED), "trial_id"])


def _rows(frame: pd.DataFrame, trials: list[str]) -> pd.DataFrame:
    kept = frame if frame.empty else frame[frame["trial_id"].isin(trials)]
    return kept.drop(columns=["attempt", "rule", "tracker_decay"], errors="ignore")


def _compared(table: str, first: pd.DataFrame, second: pd.DataFrame) -> ComparedTable:
    if first.empty or second.empty:
        return ComparedTable(table, 0, len(first) + len(second), 0, {}, 0.0, None)
    keys = KEYS[table]
    values = [column for column in first.columns if column in second and column not in keys]
    pairs = first.merge(second, on=keys, suffixes=("", " of second"))
    apart = {c: _apart(pairs[c].to_numpy(), pairs[f"{c} of second"].to_numpy()) for c in values}
    apart = {column: rows for column, rows in apart.items() if rows.any()}
    any_apart = np.logical_or.reduce([np.zeros(len(pairs), bool), *apart.values()])
    far = {
        c: _largest(pairs.loc[rows, c].to_numpy(), pairs.loc[rows, f"{c} of second"].to_numpy())
        for c, rows in apart.items()
    }
    return ComparedTable(
        table=table,
        rows=len(pairs),
        alone=len(first) + len(second) - 2 * len(pairs),
        differing=int(any_apart.sum()),
        largest={column: absolute for column, (absolute, _) in far.items()},
        relative=max((relative for _, relative in far.values()), default=0.0),
        first=_first(table, pairs[any_apart], apart) if apart else None,
    )


def _apart(a: Array, b: Array) -> Array:
    """Whether two values, element by element, differ in a bit; both NaN is the same."""
    if a.dtype.kind == b.dtype.kind == "f":
        bits = a.astype(np.float64).view(np.int64) != b.astype(np.float64).view(np.int64)
        return np.asarray(bits & ~(np.isnan(a) & np.isnan(b)))
    shown = ([_plain(value) for value in side] for side in (a, b))
    return np.array([x != y for x, y in zip(*shown, strict=True)], bool)


def _plain(value: Any) -> Any:
    """A value that compares by content: a list of numbers as its bytes."""
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value)


def _largest(a: Array, b: Array) -> tuple[float, float]:
    """The largest difference of two columns of numbers, or of lists of numbers: absolute, and in
    units of the value where it exceeds 1."""
    a, b = (np.concatenate([np.atleast_1d(value) for value in side]) for side in (a, b))
    if a.shape != b.shape or a.dtype.kind not in "iuf" or b.dtype.kind not in "iuf":
        return float("inf"), float("inf")
    a, b = a.astype(np.float64), b.astype(np.float64)
    numbers = np.isfinite(a) & np.isfinite(b)
    # Values that are not finite can agree; where only one is, the difference is infinite.
    far = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.inf)
    far[numbers] = np.abs(a[numbers] - b[numbers])
    scale = np.maximum(1.0, np.where(numbers, np.maximum(np.abs(a), np.abs(b)), 1.0))
    return float(far.max()), float((far / scale).max())


def _first(table: str, pairs: pd.DataFrame, apart: dict[str, Array]) -> Parting:
    row = pairs.sort_values(["step", "trial_id", "seed"], kind="stable").iloc[0]
    column = next(column for column, rows in apart.items() if rows[row.name])
    place = {key: _python(row[key]) for key in KEYS[table]}
    return Parting(
        table, place, column, *(_python(row[c]) for c in (column, f"{column} of second"))
    )


def _python(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
