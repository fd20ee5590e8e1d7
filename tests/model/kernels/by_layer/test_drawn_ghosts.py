from __future__ import annotations

import pytest

from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from tests.kernel_runs import apart, arm

pytestmark = pytest.mark.usefixtures("kernels")


def test_noise_of_drawn_examples_after_a_hundred_steps() -> None:
    assert apart(arm(DrawnGhostNoiseNorm(12), company=22, learning_rate=0.01)) < 1e-12
