from __future__ import annotations

import pytest

from caviar.model.kernels.train import train
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.optimizers import Adam, CoupledDecay, GammaDecay, Momentum
from tests.kernel_runs import SHADOWED, apart, arm, splits
from tests.model.helpers import small_mlp

pytestmark = pytest.mark.usefixtures("kernels")


def test_layer_norm_after_a_hundred_steps() -> None:
    assert apart(arm(LayerNorm(), dropout=0.1, probes=SHADOWED)) < 1e-12


def test_groups_that_do_not_fill_vectors() -> None:
    decays = GammaDecay(CoupledDecay(Adam(0.8, 0.9), 0.1, "all"), 0.2)
    network = small_mlp(Norm(GroupNorm(2)), hidden=(6, 36))
    run = arm(None, network=network, optimizer=decays, learning_rate=0.001)
    assert apart(run) < 1e-12


def test_groups_that_do_not_divide_the_features_are_refused() -> None:
    with pytest.raises(ValueError, match="5 features cannot be cut into 2 groups"):
        list(train(arm(GroupNorm(2)), splits()))


def test_no_norm_after_a_hundred_steps() -> None:
    assert apart(arm(None, optimizer=CoupledDecay(Momentum(0.9), 0.01, "all"))) < 1e-12
