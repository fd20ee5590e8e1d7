"""The checkpoints of a run must be of its own trials and readable; anything else is a fault."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from caviar.runner.store.checkpoints import key_of
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.runner.verify.damage import TRIALS, faults, rewritten


def test_nothing_is_said_where_there_are_none(good: Path) -> None:
    assert not any("checkpoint" in line for line in verify_run(storage_at(good)).lines)


def test_one_of_an_unplanned_trial_is_a_fault(run: Path) -> None:
    storage_at(run).write(key_of("0123456789ab"), b"")
    assert faults(run) == "FAULT  1 checkpoints of unplanned trials"


def test_one_that_cannot_be_read_is_a_fault_while_its_trial_is_under_way(run: Path) -> None:
    storage_at(run).write(key_of(TRIALS[1]), b"")
    assert faults(run) == ""
    rewritten(run, "outcomes", lambda t: t.filter(pc.not_equal(t["trial_id"], TRIALS[1])))
    assert f"1 checkpoints are not resumable, first that of {TRIALS[1]}: " in faults(run)
