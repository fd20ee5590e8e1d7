"""How often a run writes."""

from __future__ import annotations

import pytest

from caviar.runner.session.pace import PACE, Pace


@pytest.mark.parametrize(("workers", "seconds"), [(1, 10.0), (20, 10.0), (100, 50.0)])
def test_many_trials_at_once_send_checkpoints_less_often(workers: int, seconds: float) -> None:
    """All of them together send at most two per second."""
    assert PACE.between_checkpoints(workers) == seconds


def test_a_pace_may_be_faster() -> None:
    assert Pace(0.0, checkpoints_per_second=8.0).between_checkpoints(2) == 0.25
