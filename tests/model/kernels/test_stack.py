from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.averages import Watched
from caviar.model.kernels.stack import Stack, ghost_of
from caviar.model.parameters import arrays
from caviar.model.steps.state import initial_state
from tests.kernel_runs import splits, training

pytestmark = pytest.mark.usefixtures("kernels")


def test_the_state_of_a_stack_is_what_it_was_given() -> None:
    run, data = training(10, 4), splits().train
    state = initial_state(run, 4, np.float64)
    stack = Stack(run, data, state.parameters)
    stack.start(state)
    after = stack.state(Watched(state.bank, state.shadow, None))
    for ours, given in zip(arrays(after.parameters), arrays(state.parameters), strict=True):
        np.testing.assert_array_equal(ours, given)
        assert ours.flags.c_contiguous and ours.base is None
    assert after.parameters.keys() == state.parameters.keys()
    assert after.optimizer.slots.keys() == {"velocity"}
    assert ghost_of(run) == 4
