"""The state of a training before its first step, and what a forward pass takes of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.optimizers import Adam
from caviar.model.steps.state import initial_state
from tests.model.helpers import initial, small_mlp, small_training
from tests.model.nested import flat

FLOAT32 = np.dtype(np.float32)


def test_the_beginning_is_that_of_every_part() -> None:
    training = small_training(optimizer=Adam(0.9, 0.99))
    state = initial_state(training, 4, FLOAT32)
    parameters = initial(training.network, 4, training.seeds, FLOAT32)
    np.testing.assert_equal(state.parameters, parameters)
    np.testing.assert_equal(vars(state.optimizer), vars(training.optimizer.init(parameters)))
    assert (state.step, state.optimizer.count, state.expected) == (0, 0, None)
    assert state.bank.updates == 0 and state.shadow == state.bank
    assert {array.dtype for array in flat(state.parameters).values()} == {FLOAT32}


def test_a_forward_pass_takes_parameters_and_references() -> None:
    renorm = Norm(BatchRenorm(8, 3.0, 5.0, 0.9, 4))
    state = initial_state(small_training(network=small_mlp(norm=renorm)), 4, FLOAT32)
    names = flat(state.forward).keys()
    assert names == flat(state.parameters).keys() | flat(state.references).keys()
    assert "norm1.reference_mean" in names - flat(state.parameters).keys()


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_without_references_it_takes_the_parameters(
    norm: Literal["batch", "layer", "none"],
) -> None:
    state = initial_state(small_training(network=small_mlp(norm=norm)), 4, FLOAT32)
    np.testing.assert_equal(state.forward, state.parameters)
