from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.model.steps.schedules import SCHEDULES, ScheduleName

ALMOST = 1 - 1e-9
ROOT = 0.5**0.5

VALUES: dict[ScheduleName, dict[float, float]] = {
    "constant": {0.0: 1, 0.25: 1, 0.5: 1, 0.75: 1, ALMOST: 1},
    "step": {0.0: 1, 0.25: 1, 0.499: 1, 0.5: 0.1, 0.749: 0.1, 0.75: 0.01, ALMOST: 0.01},
    "cosine": {0.0: 1, 0.25: (1 + ROOT) / 2, 0.5: 0.5, 0.75: (1 - ROOT) / 2, ALMOST: 0},
}


@pytest.mark.parametrize(
    ("name", "progress"), [(n, progress) for n, row in VALUES.items() for progress in row]
)
def test_values(name: ScheduleName, progress: float) -> None:
    assert SCHEDULES[name](progress) == pytest.approx(VALUES[name][progress], rel=1e-12, abs=1e-12)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_factors_fall_and_stay_between_zero_and_one(a: float, b: float) -> None:
    for schedule in SCHEDULES.values():
        early, late = schedule(min(a, b)), schedule(max(a, b))
        assert 0 <= late <= early <= 1


def test_every_named_schedule_exists() -> None:
    assert set(SCHEDULES) == set(get_args(ScheduleName)) == set(VALUES)
