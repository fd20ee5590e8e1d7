from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array, Generators
from caviar.model.kernels import proof
from caviar.model.kernels.stack import Stack
from caviar.model.steps.gradient import Gradient
from caviar.model.steps.state import initial_state
from tests.kernel_runs import splits, training

pytestmark = pytest.mark.usefixtures("kernels")


def failures(size: int) -> list[tuple[str, ...]]:
    run, data = training(5, size), splits().train
    parameters = initial_state(run, 4, np.float64).parameters
    return [record.failed for record in proof.proof(run, data, parameters)]


def test_the_identities_hold_on_what_kernels_compute() -> None:
    for size in (2, 4, 8, 16):
        assert failures(size) == [(), ()]


@pytest.mark.parametrize("wrong", ["x_hat", "gradient"])
def test_a_wrong_number_is_named(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = proof.gradient_of

    def broken(stack: Stack, rows: Array, noise: Generators) -> Gradient:
        gradient = right(stack, rows, noise)
        if wrong == "gradient":
            gradient.gradients["dense1"]["weight"][0, 0, 0] += 1e-6
        else:
            gradient.tape["norm1"].x_hat[0, 0, 0, 0] += 1e-6
        return gradient

    monkeypatch.setattr(proof, "gradient_of", broken)
    named = failures(8)[0]
    assert {"compiled gradient of dense1's weight"} == set(named) or wrong == "x_hat"
    assert "centre" in named or wrong == "gradient"


def test_a_wrong_last_replica_of_many_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = proof.gradient_of

    def broken(stack: Stack, rows: Array, noise: Generators) -> Gradient:
        gradient = right(stack, rows, noise)
        gradient.gradients["dense2"]["weight"][-1, 0, 0] += 1e-6
        return gradient

    monkeypatch.setattr(proof, "gradient_of", broken)
    run, data = training(5, 8, seeds=(1, 2, 3, 4, 5)), splits(5).train
    parameters = initial_state(run, 4, np.float64).parameters
    failed = [record.failed for record in proof.proof(run, data, parameters)]
    assert failed == [("compiled gradient of dense2's weight",)] * 2
