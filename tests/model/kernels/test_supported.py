from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.model.kernels.supported import Descent, descent_of, without_kernel
from caviar.model.layers import Dense, Relu
from caviar.model.network import Network
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.optimizers import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
    Sgd,
)
from tests.kernel_runs import training
from tests.model.helpers import small_mlp

PLAIN = training(10)


def test_batch_norm_with_relu_and_momentum_has_a_kernel() -> None:
    assert without_kernel(PLAIN) == ""
    assert without_kernel(training(10, 4, hidden=(3,), optimizer=Sgd())) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"partitions": 2}, "several partitions per step"),
        ({"optimizer": Adam(0.9, 0.99)}, "the optimiser Adam"),
        ({"network": small_mlp(Norm(LayerNorm()))}, "the layer Dense"),
        ({"network": small_mlp(activation="tanh")}, "the layer Tanh"),
        ({"network": small_mlp(dropout=0.1)}, "the layer Dropout"),
        ({"network": small_mlp("none", hidden=())}, "a network without hidden layers"),
        ({"network": Network((("a", Dense(2)), ("b", Relu())))}, "a last layer Relu"),
    ],
)  # fmt: skip
def test_what_has_none_says_why(changes: dict[str, object], why: str) -> None:
    assert without_kernel(replace(PLAIN, **changes)) == why  # type: ignore[arg-type]


def test_optimisers_as_numbers() -> None:
    decays = GammaDecay(CoupledDecay(Momentum(0.8), 0.1, "all"), 0.2)
    assert descent_of(decays) == Descent(0.8, (0.1, 0.1), (0.0, 0.0), 0.2)
    assert descent_of(DecoupledDecay(Sgd(), 0.1)) == Descent(0.0, (0.0, 0.0), (0.1, 0.0), 0.0)
    assert descent_of(DecoupledDecay(Adam(0.9, 0.99), 0.1)) is None
