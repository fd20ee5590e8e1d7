"""status and verify: what they say about a good run and about every kind of damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from caviar.runner.store.open import storage_at
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.events import Outcome
from caviar.runner.verify.run import latest_outcomes, verify_run
from tests.runner.helpers import caviar, ended_well, parts
from tests.runner.verify.damage import TRIALS, faults, rewritten


def test_a_good_run_has_no_faults(good: Path) -> None:
    findings = verify_run(storage_at(good))
    assert not findings.faults and "ok     4 trials planned, each once" in findings.lines
    assert "ok     study.json and the table agree on 4 trials" in findings.lines
    assert "ok     656 rows, as many as the outcomes say" in findings.lines
    assert ended_well("verify", good, cwd=good.parent).splitlines()[:-1] == findings.lines


def test_its_checks_are_data_too(run: Path) -> None:
    (part,) = parts(run, "curves")
    part.write_bytes(part.read_bytes()[:-20])
    told = json.loads(caviar("verify", "--json", run, cwd=run.parent).stdout)
    assert (told["run"], told["faults"]) == (str(run), 1)
    (check,) = told["checks"]
    assert check["result"] == "fault"
    assert check["text"].startswith("curves/part-000000.parquet cannot be read: ")


def test_a_truncated_part_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "curves")
    part.write_bytes(part.read_bytes()[:-20])
    assert "curves/part-000000.parquet cannot be read: " in faults(run)
    done = caviar("verify", run, cwd=run.parent)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_empty_part_is_a_fault(run: Path) -> None:
    parts(run, "trials")[0].write_bytes(b"")
    assert "trials/part-000000.parquet cannot be read: " in faults(run)


def test_outcomes_twice_are_a_fault(run: Path) -> None:
    (part,) = parts(run, "outcomes")
    shutil.copy(part, part.with_name("part-000001.parquet"))
    assert "4 attempts have two outcomes" in faults(run)


def test_a_trial_planned_twice_is_a_fault(run: Path) -> None:
    rewritten(run, "trials", lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    assert "a trial is planned twice" in faults(run)


def test_a_missing_outcome_is_a_fault(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    assert f"1 trials have no outcome yet, the first is {gone}" in faults(run)


def test_a_missing_plan_is_a_fault(run: Path) -> None:
    gone = TRIALS[2]
    rewritten(run, "trials", lambda t: t.filter(pc.not_equal(t["trial_id"], gone)))
    assert "1 outcomes of unplanned trials" in faults(run)
    assert "164 rows of unplanned trials" in faults(run)


def test_a_trial_without_any_trace_is_a_fault(run: Path) -> None:
    for table in SCHEMAS:
        rewritten(run, table, lambda t: t.filter(pc.not_equal(t["trial_id"], TRIALS[2])))
    assert "1 of the trials that study.json counts are not in the table" in faults(run)


def test_a_column_that_no_one_declared_is_a_fault(run: Path) -> None:
    rewritten(run, "noise", lambda t: t.append_column("extra", pa.array([1] * len(t))))
    assert "noise/part-000000.parquet has columns that its table does not declare" in faults(run)


def test_a_failed_trial_is_a_fault_until_it_is_done(run: Path) -> None:
    sink = ParquetSink(storage_at(run))
    sink.commit(Outcome(TRIALS[0], 1, "failed", error="E: no"))
    sink.close()
    assert f"1 trials failed or were lost, the first is {TRIALS[0]}" in faults(run)
    assert latest_outcomes(storage_at(run))[TRIALS[0]]["status"] == "failed"
