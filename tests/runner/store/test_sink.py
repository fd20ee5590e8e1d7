"""Rows on disk: whole files, rows before outcomes, the same bits back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar.runner.store.sink
import caviar.runner.store.storage
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import part_names, read_rows, write_part
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS
from caviar.runner.store.sink import MemorySink, ParquetSink, to_table
from caviar.runner.store.storage import Storage
from caviar.runner.trial.columns import Columns
from caviar.runner.trial.events import Block, Outcome
from tests.runner.helpers import TINY, block, parts, plan_of, rows_are_there

any_float = st.floats(width=64) | st.sampled_from([-0.0, float("nan"), float("inf"), 5e-324])
OUTCOME = Outcome("t", 0, "completed", rows=3)


@settings(deadline=None, max_examples=30)
@given(values=st.lists(any_float, min_size=1, max_size=8), attempt=st.integers(0, 9))
def test_any_number_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], attempt: int
) -> None:
    root = tmp_path_factory.mktemp("run")
    sink = ParquetSink(storage_at(root))
    sent = block("curves", len(values), attempt=attempt)
    sent.columns["loss"] = values
    sink.write(sent)
    sink.close()
    frame = pd.read_parquet(root / "curves")
    assert frame["loss"].to_numpy().tobytes() == np.array(values).tobytes()
    assert frame["trial_id"].tolist() == ["t"] * len(values)
    assert frame["attempt"].tolist() == [attempt] * len(values)
    assert read_rows(storage_at(root), "curves", ["step"]) == {"step": sent.columns["step"]}


@pytest.mark.parametrize("table", ROW_TABLES)
def test_files_have_the_declared_schema(table: str, tmp_path: Path) -> None:
    sink = ParquetSink(storage_at(tmp_path))
    sink.write(block(table))
    sink.close()
    (part,) = parts(tmp_path, table)
    assert pq.read_schema(part).equals(SCHEMAS[table])


def test_what_models_alone_have_is_null_in_the_rows_of_trials(tmp_path: Path) -> None:
    """And comes back beside them, in one file and in their order."""
    of_model, of_trial = block("evaluations", 2), block("evaluations", 1)
    of_model.columns["excess_error"] = [0.5, 0.25]
    del of_trial.columns["excess_error"]
    sink = ParquetSink(storage_at(tmp_path))
    for one in (of_trial, of_model, of_trial):
        sink.write(one)
    sink.close()
    rows = pq.read_table(tmp_path / "evaluations")["excess_error"].to_pylist()
    assert rows == [None, 0.5, 0.25, None]
    del of_model.columns["loss"]
    with pytest.raises(ValueError, match="columns differ from the declared ones: loss"):
        sink.write(of_model)


def test_an_outcome_comes_back_whole(tmp_path: Path) -> None:
    given = Outcome("t", 2, "diverged", 1.5, 0.5, 7, 9, (3, 4), "here", "said", "Trace\nback")
    sink = ParquetSink(storage_at(tmp_path))
    sink.commit(given)
    sink.commit(OUTCOME)
    sink.close()
    first, second = pq.read_table(tmp_path / "outcomes").to_pylist()
    assert Outcome(**{**first, "diverged_seeds": tuple(first["diverged_seeds"])}) == given
    assert second["diverged_seeds"] == []


def test_planned_trials_come_back(tmp_path: Path) -> None:
    plan = plan_of(*TINY)
    ParquetSink(storage_at(tmp_path)).plan(plan.trials)
    rows = pq.read_table(tmp_path / "trials").to_pylist()
    assert [row["trial_id"] for row in rows] == [config.trial_id for config in plan.trials]
    assert [row["learning_rate"] for row in rows] == [c.learning_rate for c in plan.trials]
    assert rows[0]["hidden"] == [6] and rows[0]["seeds"] == [0, 1]


def test_a_long_plan_is_one_part_with_every_trial(tmp_path: Path) -> None:
    one = plan_of(*TINY).trials[0]
    trials = [one.model_copy(update={"learning_rate": 0.1 + i / 10_000}) for i in range(2_001)]
    storage = storage_at(tmp_path)
    ParquetSink(storage).plan(trials)
    assert len(part_names(storage, "trials")) == 1
    rows = read_rows(storage, "trials", ["learning_rate"])
    assert rows["learning_rate"] == [trial.learning_rate for trial in trials]


def test_no_trials_write_no_file(tmp_path: Path) -> None:
    ParquetSink(storage_at(tmp_path)).plan([])
    ParquetSink(storage_at(tmp_path)).close()
    assert not list(tmp_path.rglob("*"))


def test_a_second_sink_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    for _ in range(3):
        sink = ParquetSink(storage_at(tmp_path))
        sink.write(block())
        sink.close()
    assert [p.name for p in parts(tmp_path, "curves")] == [
        f"part-{i:06d}.parquet" for i in range(3)
    ]


def test_readers_see_whole_files_at_every_instant(tmp_path: Path) -> None:
    faults: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                rows = len(pd.read_parquet(tmp_path / "curves"))
                assert rows % 3 == 0
            except Exception as error:
                faults.append(error)
                return

    sink = ParquetSink(storage_at(tmp_path), max_rows=1)
    sink.write(block())
    reader = threading.Thread(target=read)
    reader.start()
    for i in range(60):
        sink.write(block(attempt=i))
    done.set()
    reader.join()
    assert not faults


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rows_wait_until_they_are_old(tmp_path: Path) -> None:
    clock = Clock()
    sink = ParquetSink(storage_at(tmp_path), max_seconds=5.0, clock=clock)
    sink.write(block())
    clock.now += 4.0
    sink.write(block())
    sink.tick()
    assert not parts(tmp_path, "curves")
    clock.now += 1.0
    sink.tick()
    assert len(pd.read_parquet(tmp_path / "curves")) == 6
    clock.now += 100.0
    sink.tick()
    assert len(parts(tmp_path, "curves")) == 1


def test_a_lone_outcome_waits_too_and_then_goes(tmp_path: Path) -> None:
    clock = Clock()
    sink = ParquetSink(storage_at(tmp_path), max_seconds=5.0, clock=clock)
    sink.commit(OUTCOME)
    assert not parts(tmp_path, "outcomes")
    clock.now += 5.0
    sink.tick()
    assert len(parts(tmp_path, "outcomes")) == 1


def test_many_rows_do_not_wait(tmp_path: Path) -> None:
    sink = ParquetSink(storage_at(tmp_path), max_rows=7, clock=Clock())
    for count in (3, 3):
        sink.write(block(rows=count))
    assert not parts(tmp_path, "curves")
    sink.write(block("noise", rows=1))
    assert len(parts(tmp_path, "curves")) == len(parts(tmp_path, "noise")) == 1
    sink.write(block(rows=6))
    assert len(parts(tmp_path, "curves")) == 1


WRITES = len(ROW_TABLES) + 1
"""The part files of one flush: one per table, then the outcomes."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("failing", range(2 * WRITES))
def test_an_outcome_is_never_there_without_its_rows(
    failing: int, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing a part fails, or the process dies right after it; nothing more is written."""
    calls = iter(range(100))

    def write(storage: Storage, table: str, rows: pa.Table) -> str:
        now = next(calls) == failing
        if now and not after:
            raise OSError("no space left")
        path = write_part(storage, table, rows)
        if now:
            raise OSError("killed")
        return path

    monkeypatch.setattr(caviar.runner.store.sink, "write_part", write)
    sink = ParquetSink(storage_at(tmp_path))
    with pytest.raises(OSError, match=r"no space left|killed"):
        for trial in ("one", "two", "six"):
            for table in ROW_TABLES:
                sink.write(block(table, trial_id=trial))
            sink.commit(Outcome(trial, 0, "completed", rows=3 * len(ROW_TABLES)))
            sink.flush()
    rows_are_there(tmp_path)
    assert (
        len(read_rows(storage_at(tmp_path), "outcomes", ["trial_id"])["trial_id"])
        == (failing + after) // WRITES
    )


def test_a_flush_that_failed_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = ParquetSink(storage_at(tmp_path))
    for table in ROW_TABLES:
        sink.write(block(table))
    sink.commit(Outcome("t", 0, "completed", rows=3 * len(ROW_TABLES)))
    full = pytest.MonkeyPatch()
    calls = iter(range(100))

    def write(storage: Storage, table: str, rows: pa.Table) -> str:
        if next(calls) == 2:
            raise OSError("no space left")
        return write_part(storage, table, rows)

    full.setattr(caviar.runner.store.sink, "write_part", write)
    with pytest.raises(OSError, match="no space left"):
        sink.flush()
    full.undo()
    sink.close()
    rows_are_there(tmp_path)
    assert all(len(read_rows(storage_at(tmp_path), t, ["step"])["step"]) == 3 for t in ROW_TABLES)


def test_memory_keeps_everything() -> None:
    sink = MemorySink()
    plan = plan_of(*TINY)
    sink.plan(plan.trials)
    sink.write(block())
    sink.commit(OUTCOME)
    sink.tick()
    sink.close()
    assert (sink.trials, sink.blocks, sink.outcomes) == (list(plan.trials), [block()], [OUTCOME])


def test_a_block_counts_its_rows() -> None:
    assert block(rows=5).rows == 5
    assert to_table(block(rows=5)).schema.equals(SCHEMAS["curves"])
    assert Block("t", 0, "curves", {"seed": []}).rows == 0


def test_blocks_of_one_part_keep_their_trial_attempt_and_order(tmp_path: Path) -> None:
    """Short and long ones, lists and arrays, a trial that comes again."""
    sent = [block(rows=2, trial_id="a"), block(rows=1, trial_id="b", attempt=3), block(rows=3)]
    sent.append(block(rows=2, trial_id="a", attempt=1))
    sent[1:3] = [replace(b, columns=Columns.of(b.columns)) for b in sent[1:3]]
    sink = ParquetSink(storage_at(tmp_path))
    for one in sent:
        sink.write(one)
    sink.close()
    rows = pq.read_table(tmp_path / "curves")
    assert rows["trial_id"].to_pylist() == [*"aabtttaa"]
    assert rows["attempt"].to_pylist() == [0, 0, 3, 0, 0, 0, 1, 1]
    assert rows["step"].to_pylist() == [0, 1, 0, 0, 1, 2, 0, 1]


def test_columns_of_different_length_are_refused(tmp_path: Path) -> None:
    torn = block(rows=3)
    torn.columns["loss"] = [0.5]
    for sink in (MemorySink(), ParquetSink(storage_at(tmp_path))):
        with pytest.raises(ValueError, match="curves: columns of a block differ in length"):
            sink.write(torn)
