"""Rows that are missing, duplicate, of no planned trial, or different when computed twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import write_part
from caviar.runner.store.schemas import KEYS, ROW_TABLES, SCHEMAS
from caviar.runner.store.sink import ParquetSink
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import block, caviar, parts
from tests.runner.verify.damage import TRIALS, faults, quickest, rewritten


def test_keys_are_columns_and_end_where_values_begin() -> None:
    for table, keys in KEYS.items():
        schema = SCHEMAS[table]
        assert schema.names[: len(keys)] == keys
    assert KEYS.keys() == ROW_TABLES.keys()


@pytest.mark.parametrize("table", ["curves", "evaluations", "statistics", "noise"])
def test_missing_rows_are_a_fault(table: str, run: Path) -> None:
    parts(run, table)[0].unlink()
    assert "4 trials have more or fewer rows than their outcome says" in faults(run)


def test_one_missing_row_is_a_fault(run: Path) -> None:
    rewritten(run, "noise", lambda table: table.slice(1))
    assert "1 trials have more or fewer rows than their outcome says" in faults(run)
    done = caviar("verify", run, cwd=run.parent)
    assert (done.returncode, done.stderr) == (1, "") and "FAULT" in done.stdout


def test_a_duplicated_part_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "evaluations")
    shutil.copy(part, part.with_name("part-000001.parquet"))
    assert "duplicate rows" in faults(run) and "more or fewer rows" in faults(run)


@pytest.mark.parametrize("at_a_time", [1, 10**6])
def test_one_row_for_another_is_a_fault(
    at_a_time: int, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caviar.runner.verify.rows.ROWS_AT_A_TIME", at_a_time)

    def change(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])

    rewritten(run, "noise", change)
    assert "1 duplicate rows" in faults(run)


def test_rows_of_a_seed_that_was_not_planned_are_a_fault(run: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        seeds = np.where(np.arange(len(table)) == 3, 77, table["seed"].to_numpy())
        return table.set_column(table.schema.get_field_index("seed"), "seed", pa.array(seeds))

    rewritten(run, "curves", change)
    assert "1 rows of unplanned seeds" in faults(run)


def test_rows_of_given_up_attempts_are_no_fault(run: Path) -> None:
    write_part(storage_at(run), "curves", pa.Table.from_pylist([], schema=SCHEMAS["curves"]))
    sink = ParquetSink(storage_at(run))
    given_up = block("curves", rows=5, trial_id=TRIALS[1], attempt=7)
    given_up.columns["step"] = [1000 + step for step in range(5)]
    sink.write(given_up)
    sink.close()
    findings = verify_run(storage_at(run))
    assert not findings.faults
    assert "ok     5 rows of given-up attempts, which readers leave out" in findings.lines


def given_up(root: Path, trial: str, change: Callable[[pa.Array], pa.Array]) -> None:
    """Rows of an earlier attempt at a trial, next to those that count, with changed losses."""
    rows = pq.read_table(parts(root, "curves")[0])
    mine = rows.filter(pc.equal(rows["trial_id"], trial))
    mine = mine.set_column(1, "attempt", pa.array([-1] * len(mine), pa.int32()))
    column = mine.schema.get_field_index("loss")
    changed = mine.set_column(column, "loss", change(mine["loss"].combine_chunks()))
    write_part(storage_at(root), "curves", changed)


def test_rows_computed_twice_to_the_same_bits(run: Path) -> None:
    given_up(run, quickest(run), lambda loss: loss)
    findings = verify_run(storage_at(run))
    assert not findings.faults
    assert "ok     6 rows of given-up attempts, which readers leave out" in findings.lines
    assert "ok     6 of them repeat rows that count, with the same bits" in findings.lines


def test_a_last_bit_that_differs_is_a_fault(run: Path) -> None:
    given_up(run, quickest(run), lambda loss: pa.array(np.nextafter(loss.to_numpy(), 9)))
    findings = verify_run(storage_at(run))
    assert findings.faults == 1
    assert (
        "FAULT  6 of 6 of them differ from the rows that count, first curves " in findings.lines[-1]
    )


def test_nan_is_the_same_as_nan(run: Path) -> None:
    trial = quickest(run)
    (part,) = parts(run, "curves")
    rows = pq.read_table(part)
    column = rows.schema.get_field_index("loss")
    nan = pa.array([float("nan")] * len(rows))
    pq.write_table(rows.set_column(column, "loss", nan), part)
    given_up(run, trial, lambda loss: loss)
    assert not verify_run(storage_at(run)).faults
