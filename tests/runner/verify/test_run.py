"""status, verify and replay: what they say of a good run, and of every kind of damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows, write_part
from caviar.runner.store.schemas import KEYS, ROW_TABLES, SCHEMAS
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.events import Outcome
from caviar.runner.verify.replay import replay_trial
from caviar.runner.verify.run import latest_outcomes, status_line, verify_run
from tests.runner.helpers import TINY, block, caviar, ended_well, parts, plan_of, settings_of

TRIALS = [config.trial_id for config in plan_of(*TINY).trials]
INLINE = ("--on", "inline", "--no-report", "--out")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that nobody changes."""
    folder = tmp_path_factory.mktemp("good")
    ended_well("run", *settings_of(TINY), *INLINE, "run", cwd=folder)
    return folder / "run"


@pytest.fixture
def run(good: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(good, tmp_path / "run")


def faults(root: Path) -> str:
    found = verify_run(storage_at(root))
    assert found.faults == sum(line.startswith("FAULT  ") for line in found.lines)
    return "\n".join(line for line in found.lines if line.startswith("FAULT"))


def rewritten(root: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    (part,) = parts(root, table)
    pq.write_table(change(pq.read_table(part)), part)


def test_a_good_run_has_no_faults(good: Path) -> None:
    found = verify_run(storage_at(good))
    assert not found.faults and "ok     4 trials planned, each once" in found.lines
    assert "ok     656 rows, as many as the outcomes say" in found.lines
    assert ended_well("verify", good, cwd=good.parent).splitlines()[:-1] == found.lines


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


def test_a_truncated_part_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "curves")
    part.write_bytes(part.read_bytes()[:-20])
    assert "curves/part-000000.parquet cannot be read: " in faults(run)
    done = caviar("verify", run, cwd=run.parent)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_empty_part_is_a_fault(run: Path) -> None:
    parts(run, "trials")[0].write_bytes(b"")
    assert "trials/part-000000.parquet cannot be read: " in faults(run)


def test_a_duplicated_part_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "evaluations")
    shutil.copy(part, part.with_name("part-000001.parquet"))
    assert "rows stand twice" in faults(run) and "more or fewer rows" in faults(run)


@pytest.mark.parametrize("at_a_time", [1, 10**6])
def test_one_row_for_another_is_a_fault(
    at_a_time: int, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caviar.runner.verify.rows.ROWS_AT_A_TIME", at_a_time)

    def change(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])

    rewritten(run, "noise", change)
    assert "1 rows stand twice" in faults(run)


def test_outcomes_twice_are_a_fault(run: Path) -> None:
    (part,) = parts(run, "outcomes")
    shutil.copy(part, part.with_name("part-000001.parquet"))
    assert "4 attempts ended twice" in faults(run)


def test_a_trial_planned_twice_is_a_fault(run: Path) -> None:
    rewritten(run, "trials", lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    assert "a trial is planned twice" in faults(run)


def test_a_missing_outcome_is_a_fault(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    assert f"1 trials have no outcome yet, {gone} first" in faults(run)


def test_a_missing_plan_is_a_fault(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "trials", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    assert "1 outcomes of unplanned trials" in faults(run)
    assert "164 rows of unplanned trials" in faults(run)


def test_a_trial_without_any_trace_is_a_fault(run: Path) -> None:
    for table in SCHEMAS:
        rewritten(run, table, lambda t: t.filter(pc.not_equal(t["trial_id"], TRIALS[2])))
    assert "1 of the trials that study.json counts are not in the table" in faults(run)


def test_rows_of_a_seed_that_was_not_planned_are_a_fault(run: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        seeds = np.where(np.arange(len(table)) == 3, 77, table["seed"].to_numpy())
        return table.set_column(table.schema.get_field_index("seed"), "seed", pa.array(seeds))

    rewritten(run, "curves", change)
    assert "1 rows of unplanned seeds" in faults(run)


def test_a_column_that_no_one_declared_is_a_fault(run: Path) -> None:
    rewritten(run, "noise", lambda t: t.append_column("extra", pa.array([1] * len(t))))
    assert "noise/part-000000.parquet has columns that its table does not declare" in faults(run)


def test_a_failed_trial_is_a_fault_until_it_is_done(run: Path) -> None:
    sink = ParquetSink(storage_at(run))
    sink.commit(Outcome(TRIALS[0], 1, "failed", error="E: no"))
    sink.close()
    assert f"1 trials failed or were lost, {TRIALS[0]} first" in faults(run)
    assert latest_outcomes(storage_at(run))[TRIALS[0]]["status"] == "failed"


def test_rows_of_given_up_attempts_are_no_fault(run: Path) -> None:
    write_part(storage_at(run), "curves", pa.Table.from_pylist([], schema=SCHEMAS["curves"]))
    sink = ParquetSink(storage_at(run))
    given_up = block("curves", rows=5, trial_id=TRIALS[1], attempt=7)
    given_up.columns["step"] = [1000 + step for step in range(5)]
    sink.write(given_up)
    sink.close()
    found = verify_run(storage_at(run))
    assert not found.faults
    assert "ok     5 rows of given-up attempts, which readers leave out" in found.lines


def test_status_of_a_finished_run(good: Path) -> None:
    said = (
        "quickstart: 4 of 4 trials done: 4 completed, 0 diverged; 0 failed, 0 lost, 0 not yet tried"
    )
    assert status_line(storage_at(good)) == said
    assert ended_well("status", good, cwd=good.parent) == said + "\n"


def test_status_counts_the_outcome_that_counts(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    sink = ParquetSink(storage_at(run))
    sink.commit(Outcome(TRIALS[0], 1, "lost"))
    sink.commit(Outcome(TRIALS[1], 3, "failed"))
    sink.commit(Outcome(TRIALS[1], 2, "completed"))
    sink.close()
    assert status_line(storage_at(run)).endswith(
        "1 of 4 trials done: 1 completed, 0 diverged; 1 failed, 1 lost, 1 not yet tried"
    )


@pytest.mark.parametrize("trial", TRIALS)
def test_a_replay_has_the_same_bits(trial: str, good: Path) -> None:
    assert replay_trial(storage_at(good), trial) == (
        True,
        f"trial {trial}: the same bits in all 164 rows",
    )


def test_replay_as_a_program(good: Path) -> None:
    said = ended_well("replay", good, TRIALS[0], cwd=good.parent)
    assert said == f"trial {TRIALS[0]}: the same bits in all 164 rows\n"


@pytest.mark.parametrize(
    ("table", "column"),
    [("curves", "loss"), ("evaluations", "accuracy"), ("statistics", "mean_bias")],
)
def test_a_replay_says_where_the_bits_part(table: str, column: str, run: Path) -> None:
    """The smallest possible change of one number is found, with its place."""

    def change(t: pa.Table) -> pa.Table:
        at = t["trial_id"].to_pylist().index(TRIALS[3])
        values = t[column].to_numpy().copy()
        values[at] = np.nextafter(values[at], 9)
        return t.set_column(t.schema.get_field_index(column), column, pa.array(values))

    before = read_rows(storage_at(run), table, ["trial_id", "seed", "step"])
    at = before["trial_id"].index(TRIALS[3])
    rewritten(run, table, change)
    same, said = replay_trial(storage_at(run), TRIALS[3])
    assert not same
    assert said.startswith(f"{table} ({before['seed'][at]}, {before['step'][at]}")
    assert f": {column} was " in said and said.endswith(" now")
    assert replay_trial(storage_at(run), TRIALS[0])[0]
    if table == "curves":
        done = caviar("replay", run, TRIALS[3], cwd=run.parent)
        assert (done.returncode, done.stdout, done.stderr) == (1, said + "\n", "")


def test_a_replay_says_that_rows_are_missing(run: Path) -> None:
    rewritten(run, "noise", lambda table: table.slice(1))
    same, said = replay_trial(
        storage_at(run), read_rows(storage_at(run), "outcomes", ["trial_id"])["trial_id"][0]
    )
    assert not same and said.startswith("noise: ") and "not of the same keys" in said


def test_a_replay_of_another_ending_says_so(run: Path) -> None:
    sink = ParquetSink(storage_at(run))
    sink.commit(Outcome(TRIALS[0], 1, "diverged"))
    sink.close()
    assert replay_trial(storage_at(run), TRIALS[0]) == (False, "diverged then, completed now: ")


def test_a_trial_that_is_not_there_is_named(good: Path) -> None:
    with pytest.raises(RequestError, match=f"no trial .* did you mean '{TRIALS[0]}'"):
        replay_trial(storage_at(good), TRIALS[0][:-1] + "x")


def test_a_trial_without_an_outcome_cannot_be_replayed(run: Path) -> None:
    parts(run, "outcomes")[0].unlink()
    with pytest.raises(RequestError, match="has no outcome yet; finish the run first"):
        replay_trial(storage_at(run), TRIALS[0])


def test_data_that_changed_cannot_be_replayed(tmp_path: Path) -> None:
    rows = [f"{i},{i * 7 % 11},{'pq'[i % 2]}" for i in range(80)]
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["a,b,y", *rows]))
    study = [f'dataset={{ path = "{path}", label = "y" }}', *TINY[1:], "probe_batch_sizes=[4]"]
    ended_well("run", *settings_of(study), *INLINE, "run", "--trials", "1", cwd=tmp_path)
    (trial,) = read_rows(storage_at(tmp_path / "run"), "trials", ["trial_id"])["trial_id"]
    assert replay_trial(storage_at(tmp_path / "run"), trial)[0]
    path.write_text("\n".join(["a,b,y", *rows, "1,1,p"]))
    with pytest.raises(RequestError, match=r"the data of 'd.csv' have changed since the run"):
        replay_trial(storage_at(tmp_path / "run"), trial)
