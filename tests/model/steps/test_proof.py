"""The check of a whole step against the identities of its norms."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from caviar.model.identities.check import Check, Invariants
from caviar.model.layers import Dense
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.proof import check_step, proved
from tests.model.helpers import (
    generators,
    initial,
    normal,
    random_examples,
    small_mlp,
    small_training,
)


def test_without_a_norm_there_is_nothing_to_check() -> None:
    network, x = small_mlp(norm="none"), normal(0, 2, 8, 4)
    parameters, _ = network.init(generators(2), 4, np.float64)
    logits, tape = network.forward(parameters, x, ())
    assert check_step(network, parameters, tape, logits) is None


def test_nothing_is_changed_and_dropout_is_no_hindrance() -> None:
    network, x = small_mlp(dropout=0.3), normal(0, 2, 16, 4)
    parameters, _ = network.init(generators(2), 4, np.float64)
    logits, tape = network.forward(parameters, x, generators(2))
    before = copy.deepcopy(parameters)
    first, second = (check_step(network, parameters, tape, logits) for _ in range(2))
    assert first == second and first is not None and first.passed
    np.testing.assert_equal(parameters, before)
    assert Invariants(first.checks | {"scale": Check(1.0, 0.1)}).failed == ("scale",)


@pytest.mark.parametrize("moved", ["gamma", "beta"])
def test_what_reaches_the_next_dense_layer_is_held_to_gamma_and_beta(moved: str) -> None:
    network = small_mlp(activation="tanh")
    parameters, _ = network.init(generators(2), 4, np.float64)
    logits, tape = network.forward(parameters, normal(0, 2, 16, 4), ())
    parameters["norm2"][moved] = parameters["norm2"][moved] + 1e-6
    checks = check_step(network, parameters, tape, logits)
    assert checks is not None and checks.failed == ("output",)


def test_a_norm_without_a_dense_layer_in_front_is_not_checked() -> None:
    network = Network((("norm1", Norm(BatchNorm(8))), ("dense1", Dense(3))))
    parameters, _ = network.init(generators(2), 4, np.float64)
    logits, tape = network.forward(parameters, normal(0, 2, 16, 4), ())
    assert check_step(network, parameters, tape, logits) is None


def test_the_first_and_the_last_replica_are_checked_on_their_own_data() -> None:
    data = random_examples(30, 5)
    run = small_training(seeds=(7, 1, 4, 9, 3))
    parameters = initial(run.network, 4, run.seeds)
    few = proved(run, data, parameters)
    assert few.training.seeds == (7, 3) and few.examples.replicas == 2
    np.testing.assert_array_equal(few.examples.index, data.index[[0, 4]])
    for name, by_name in few.parameters.items():
        for key, values in by_name.items():
            np.testing.assert_array_equal(values, parameters[name][key][[0, 4]])
    assert few.training.steps == run.steps
    pair = small_training(seeds=(2, 5))
    assert proved(pair, data, parameters).training is pair
