from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.model.kernels.supported import Descent, all_at_once, descent_of, without_kernel
from caviar.model.layers import Dense, Relu
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
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
HIDDEN = ("a", Dense(2, False)), ("b", Norm(BatchNorm(4))), ("c", Relu())
OTHER = ("d", Dense(2, False)), ("e", Norm(BatchNorm(8))), ("f", Relu())
MIXED = Network((*HIDDEN, *OTHER, ("g", Dense(2))))
TWICE = CoupledDecay(DecoupledDecay(Sgd(), 0.1), 0.1)


def test_batch_norm_with_relu_and_momentum_has_a_kernel() -> None:
    assert without_kernel(PLAIN) == ""
    assert without_kernel(training(10, 4, hidden=(3,), optimizer=Sgd())) == ""
    assert all_at_once(PLAIN)


def test_all_else_is_taken_a_layer_at_a_time() -> None:
    for changes in (
        {"optimizer": Adam(0.9, 0.99)},
        {"network": small_mlp(dropout=0.1)},
        {"network": small_mlp("layer")},
        {"network": small_mlp("none")},
    ):
        run = replace(PLAIN, **changes)
        assert without_kernel(run) == "" and not all_at_once(run)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"partitions": 2}, "several partitions per step"),
        ({"optimizer": TWICE}, "the optimiser CoupledDecay"),
        ({"network": small_mlp(Norm(MomentumBatchNorm(4, 0.5)))}, "the layer MomentumBatchNorm"),
        ({"network": small_mlp(activation="tanh")}, "the layer Tanh"),
        ({"network": MIXED}, "norms that differ between layers"),
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
    adam = Descent(0.9, (0.0, 0.0), (0.1, 0.0), 0.0, (0.99, 1e-8))
    assert descent_of(DecoupledDecay(Adam(0.9, 0.99), 0.1)) == adam
