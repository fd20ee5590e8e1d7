"""What a worker says about a trial."""

from __future__ import annotations

import pickle
from typing import get_args

from caviar.runner.trial.events import SETTLED, Block, Checkpoint, Event, Outcome, Started, Status


def test_a_block_counts_the_rows_of_its_columns() -> None:
    assert Block("t", 0, "curves", {"step": [1, 2, 3], "loss": [0.5, 0.4, 0.3]}).rows == 3


def test_a_divergence_is_settled_and_a_failure_is_tried_again() -> None:
    assert set(get_args(Status)) - SETTLED == {"failed", "lost"}


def test_events_cross_a_pipe_as_they_are() -> None:
    sent: list[Event] = [
        Started("t", 1),
        Block("t", 1, "curves", {"loss": [0.1, float("inf")]}),
        Checkpoint("t", 1, 7, 20, b"PK"),
        Outcome("t", 1, "diverged", diverged_seeds=(3,), invariants="passed"),
    ]
    assert [pickle.loads(pickle.dumps(event)) for event in sent] == sent
