"""verify computes the quickest trial again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caviar.runner.store.open import storage_at
from caviar.runner.verify.findings import Findings
from caviar.runner.verify.recompute import check_bits
from tests.runner.helpers import caviar, ended_well, parts
from tests.runner.verify.damage import quickest


def test_the_quickest_trial_is_computed_again(good: Path) -> None:
    lines = ended_well("verify", good, cwd=good.parent).splitlines()
    trial = quickest(good)
    assert lines[-1] == f"ok     computed again, trial {trial}: the same bits in all 164 rows"


def test_a_number_that_was_touched_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "evaluations")
    rows = pq.read_table(part)
    column = rows.schema.get_field_index("loss")
    losses = rows["loss"].to_numpy().copy()
    losses[rows["trial_id"].to_pylist().index(quickest(run))] += 1e-9
    pq.write_table(rows.set_column(column, "loss", pa.array(losses)), part)
    done = caviar("verify", run, cwd=run.parent)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAULT  computed again, trial ")
    assert ": loss was " in done.stdout


def test_what_takes_long_is_left_to_the_user(good: Path) -> None:
    findings = Findings()
    check_bits(storage_at(good), findings, longest=0.0)
    (line,) = findings.lines
    assert line.startswith("--     no trial was computed again: the quickest took")
    assert (
        line.endswith(f"run `caviar replay RUN {quickest(good)}` to do so") and not findings.faults
    )
