from __future__ import annotations

import pytest

from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.steps.optimizers import Adam, DecoupledDecay, Sgd
from tests.kernel_runs import apart, arm

pytestmark = pytest.mark.usefixtures("kernels")


def test_constant_statistics_after_a_hundred_steps() -> None:
    assert apart(arm(StopGradientNorm(4), optimizer=DecoupledDecay(Sgd(), 0.01, "all"))) < 1e-12


def test_batch_norm_after_a_hundred_steps() -> None:
    optimizer = DecoupledDecay(Adam(0.9, 0.999), 0.1, "all")
    assert apart(arm(BatchNorm(4), company=4, optimizer=optimizer)) < 1e-12
