"""Records become rows, and a tally that an outcome or a later attempt takes up."""

from __future__ import annotations

import numpy as np

from caviar.model.records import Checked, Curve
from caviar.runner.trial.checkpoint import Tally
from caviar.runner.trial.events import Job
from caviar.runner.trial.gathered import Gathered
from tests.runner.attempts import trial

CONFIG, _ = trial()


def clock() -> float:
    return 7.0


def curve(step: int, *losses: float) -> Curve:
    loss = np.array(losses)
    return Curve(step, 0.5, 0.1, loss, loss, loss, loss)


def test_a_record_is_one_row_for_each_seed() -> None:
    gathered = Gathered(Job(CONFIG, "t", 3), clock)
    gathered.add(Checked(1, ()))
    gathered.add(curve(4, 1.0, 2.0))
    (block,) = gathered.blocks()
    assert (block.trial_id, block.attempt, block.table, block.rows) == ("t", 3, "curves", 2)
    assert block.columns["seed"].tolist() == [0, 1] and block.columns["loss"].tolist() == [1, 2]
    assert not gathered.blocks()
    ended = gathered.outcome()
    assert (ended.status, ended.rows, ended.steps, ended.invariants) == (
        *("completed", 2, 4),
        "passed",
    )


def test_a_later_attempt_counts_on() -> None:
    gathered = Gathered(Job(CONFIG, "t", 1), clock)
    tally = Tally(
        rows=10,
        steps=8,
        seconds=5.0,
        probe_seconds=1.0,
        invariants="passed",
        diverged=(False, True),
    )
    gathered.go_on(tally)
    gathered.add(curve(9, 1.0, 1.0))
    ended = gathered.outcome()
    assert (ended.status, ended.diverged_seeds) == ("diverged", (1,))
    assert (ended.rows, ended.steps, ended.seconds) == (12, 9, 5.0)
