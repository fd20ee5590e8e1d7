from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels.proof import gradient_of as kernels_gradient
from caviar.model.kernels.stack import Stack
from caviar.model.steps.gradient import Rows, gradient_of, randomness
from caviar.model.steps.state import initial_state
from tests.kernel_runs import first_batch, splits, training
from tests.model.helpers import randomised_network

pytestmark = pytest.mark.usefixtures("kernels")


def test_a_gradient_of_any_shape_is_numpys() -> None:
    for size, batch, hidden in (
        (1, 1, (3,)),
        (2, 2, (17, 9)),
        (3, 9, (5,)),
        (7, 7, (33, 8, 2)),
        (20, 40, (10, 6)),
        (16, 5, (4, 12)),
    ):
        run, data = training(5, size, batch=batch, hidden=hidden), splits().train
        parameters = randomised_network(initial_state(run, 4, np.float64).parameters, 1)
        taken = first_batch(data, batch + run.company)
        ours = kernels_gradient(Stack(run, data, parameters, every_ghost=True), taken, ())
        rows = Rows(taken[:, :batch], taken[:, batch:])
        theirs = gradient_of(run, parameters, data, rows, randomness(run))
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=1e-13)
        np.testing.assert_allclose(ours.upstream, theirs.upstream, atol=1e-13)
        for name, by_name in theirs.gradients.items():
            for key, expected in by_name.items():
                np.testing.assert_allclose(ours.gradients[name][key], expected, atol=1e-11)
