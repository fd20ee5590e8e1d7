"""`python -m tests.golden.rows`: compare the rows of every arm with the recorded ones.

What is recorded lies in `recorded_rows/`: the rows in a Parquet file per table, some checkpoints,
and `recorded.json` with the trial ids and, per kernel, a hash of the bits of every table. It was
written by the code of commit 078e4c2, before its files moved, except for the evaluations under
EvalNorm, which since 2026-11-28 are read with each layer's own moments, penalties of the
network, which since then are averages over partitions where training is long enough, and the rows
`own` of renormalisation, which joined then (all rows beside them kept their bits). `--write`
writes it anew, `--join` adds arms that joined, `--add` the hashes of one more kernel for the same
rows.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.golden.arms import ARMS, CHECKPOINTED
from tests.golden.trials import Column, Table, Trial, computed, kernel

FOLDER = Path(__file__).with_name("recorded_rows")
TABLES = ("curves", "evaluations", "statistics", "noise", "predictions")

TOLERANCE = 1e-5
"""On another kernel, as a share of the largest number of a column. Kernels of SSE alone and of
AVX-512 differ by up to 4e-6 after these few steps in float32."""

DOUBLE_TOLERANCE = 1e-8
"""The same of an arm in float64."""


@cache
def recorded() -> dict[str, Any]:
    """`trial_ids` and `statuses` by arm, and `hashes` by kernel, arm and table."""
    content: dict[str, Any] = json.loads((FOLDER / "recorded.json").read_text())
    return content


def recorded_tables(arm: str) -> dict[str, Table]:
    """The rows of the arm as they were recorded; tables without any are left out."""
    tables = {}
    for name in TABLES:
        rows = _parquet(name)
        rows = rows.filter(pc.equal(rows["arm"], arm)).drop_columns(["arm"])
        if len(rows):
            tables[name] = {key: np.array(rows[key].to_pylist()) for key in rows.column_names}
    return tables


def recorded_checkpoint(arm: str) -> bytes | None:
    return (FOLDER / f"{arm}.checkpoint").read_bytes() if arm in CHECKPOINTED else None


@cache
def _parquet(table: str) -> pa.Table:
    return pq.read_table(FOLDER / f"{table}.parquet")


def differences(arm: str, trial: Trial) -> list[str]:
    """One line per difference from the record.

    If the bits of this process's kernel were recorded, every bit must agree; on any other kernel,
    names, counts and texts must, and numbers to a tolerance.
    """
    rows = recorded_tables(arm)
    trial = trial.of_columns(rows)
    lines = [
        f"{name} was {then}, is {now}"
        for name, then, now in (
            ("trial_id", recorded()["trial_ids"][arm], trial.trial_id),
            ("status", recorded()["statuses"][arm], trial.status),
            ("tables", sorted(rows), sorted(trial.tables)),
        )
        if now != then
    ]
    tolerance = DOUBLE_TOLERANCE if "dtype=float64" in ARMS[arm] else TOLERANCE
    for name in rows.keys() & trial.tables.keys():
        lines += [f"{name} {line}" for line in unlike(trial.tables[name], rows[name], tolerance)]
    checkpoint = recorded_checkpoint(arm)
    if checkpoint is not None and trial.checkpoint is not None:
        lines += unlike_checkpoints(trial.checkpoint, checkpoint, tolerance)
    bits, hashes = recorded()["hashes"].get(kernel(), {}).get(arm), trial.hashes()
    if bits is not None:
        names = sorted(bits.keys() | hashes.keys())
        lines += [f"{n}: the bits differ" for n in names if bits.get(n) != hashes.get(n)]
    return [f"{arm}: {line}" for line in lines]


def unlike(table: Table, like: Table, tolerance: float) -> list[str]:
    """One line per column that differs from the recorded one."""
    lines = []
    for name, then in like.items():
        now = table.get(name)
        if now is None or now.shape != then.shape:
            lines.append(f"{name}: {then.shape} recorded, {None if now is None else now.shape} now")
        elif not (error := error_of(now, then)) <= tolerance:
            lines.append(f"{name} differs by {error:.1e}")
    return lines


def error_of(now: Column, then: Column) -> float:
    """The largest difference as a share of the largest number, or of 0.01 where that is smaller.

    Infinite where texts, whole numbers or what is not finite differ.
    """
    if then.dtype.kind != "f":
        return 0.0 if np.array_equal(now, then) else np.inf
    finite = np.isfinite(then)
    if not np.array_equal(now[~finite], then[~finite], equal_nan=True):
        return np.inf
    scale = np.max(np.abs(then[finite]), initial=0.01)
    return float(np.max(np.abs(now[finite] / scale - then[finite] / scale), initial=0.0))


def unlike_checkpoints(content: bytes, like: bytes, tolerance: float) -> list[str]:
    """A line per member that is not like the recorded one; numpy's version may be another."""
    about, arrays = _members(content)
    about_then, arrays_then = _members(like)
    lines = ["checkpoint: about.json differs"] * (about != about_then)
    if [*arrays] != [*arrays_then]:
        lines.append(f"checkpoint: members {[*arrays]}, recorded {[*arrays_then]}")
    types = [f"{key}: {a.dtype} {a.shape}" for key, a in arrays.items()]
    types_then = [f"{key}: {a.dtype} {a.shape}" for key, a in arrays_then.items()]
    lines += [f"checkpoint {now}" for now in types if now not in types_then]
    return lines + [f"checkpoint {line}" for line in unlike(arrays, arrays_then, tolerance)]


def _members(content: bytes) -> tuple[dict[str, Any], dict[str, Column]]:
    about, arrays = {}, {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name == "about.json":
                about = json.loads(archive.read(name))
                about.pop("numpy")
            else:
                arrays[name] = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    return about, arrays


def write() -> None:
    """Record every arm under the kernel of this process."""
    FOLDER.mkdir(exist_ok=True)
    trials = {arm: computed(arm) for arm in ARMS}
    for table in TABLES:
        parts = [
            _with_arm(arm, rows)
            for arm, trial in trials.items()
            if (rows := trial.tables.get(table))
        ]
        _write_parquet(pa.concat_tables(parts), table)
    for arm in CHECKPOINTED:
        (FOLDER / f"{arm}.checkpoint").write_bytes(trials[arm].checkpoint or b"")
    content = {
        "trial_ids": {arm: trial.trial_id for arm, trial in trials.items()},
        "statuses": {arm: trial.status for arm, trial in trials.items()},
        "hashes": {kernel(): {arm: trial.hashes() for arm, trial in trials.items()}},
    }
    _write_json(content)


def add() -> None:
    """Record the bits of this process's kernel too."""
    content = recorded()
    content["hashes"][kernel()] = {
        arm: computed(arm).of_columns(recorded_tables(arm)).hashes() for arm in ARMS
    }
    _write_json(content)


def join() -> None:
    """Record the arms that are not recorded yet, with the columns that the others have."""
    content, new = recorded(), [arm for arm in ARMS if arm not in recorded()["trial_ids"]]
    columns = {table: _parquet(table).column_names[1:] for table in TABLES}
    trials = {}
    for arm in new:
        trial = computed(arm)
        tables = {n: {c: t[c] for c in columns[n]} for n, t in trial.tables.items()}
        trials[arm] = replace(trial, tables=tables)
    for table in TABLES:
        parts = [_with_arm(arm, t.tables[table]) for arm, t in trials.items() if table in t.tables]
        if parts:
            rows = pa.concat_tables([_parquet(table), *parts], promote_options="permissive")
            _write_parquet(rows, table)
    _parquet.cache_clear()
    for arm, trial in trials.items():
        content["trial_ids"][arm], content["statuses"][arm] = trial.trial_id, trial.status
        content["hashes"][kernel()][arm] = trial.hashes()
    _write_json(content)


def _with_arm(arm: str, rows: Table) -> pa.Table:
    return pa.table({"arm": [arm] * len(rows["seed"]), **{k: v.tolist() for k, v in rows.items()}})


def _write_parquet(rows: pa.Table, table: str) -> None:
    pq.write_table(rows, FOLDER / f"{table}.parquet", compression="zstd", compression_level=19)


def _write_json(content: dict[str, Any]) -> None:
    (FOLDER / "recorded.json").write_text(json.dumps(content, indent=1) + "\n")


def main() -> int:
    """Print one line per difference; return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.rows")
    parser.add_argument("--write", action="store_true", help="record everything anew")
    parser.add_argument("--add", action="store_true", help="record this kernel's bits too")
    parser.add_argument("--join", action="store_true", help="record arms that joined")
    given = parser.parse_args()
    if given.write:
        write()
    elif given.join:
        join()
    elif given.add:
        add()
    lines = [line for arm in ARMS for line in differences(arm, computed(arm))]
    print(*lines, f"{len(ARMS)} arms, {len(lines)} differences; {kernel()}", sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
