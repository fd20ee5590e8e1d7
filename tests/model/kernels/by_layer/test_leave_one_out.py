from __future__ import annotations

import pytest

from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from tests.kernel_runs import apart, arm

pytestmark = pytest.mark.usefixtures("kernels")


def test_statistics_of_the_others_after_a_hundred_steps() -> None:
    assert apart(arm(LeaveOneOutNorm(8), learning_rate=0.01)) < 1e-12
