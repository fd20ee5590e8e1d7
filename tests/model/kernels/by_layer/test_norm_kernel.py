from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels import places
from caviar.model.kernels.proof import PLAIN, gradient_of
from caviar.model.kernels.stack import Stack
from caviar.model.steps.state import initial_state
from tests.kernel_runs import first_batch, splits, training

pytestmark = pytest.mark.usefixtures("kernels")


def test_the_views_of_a_site_are_those_of_its_layers() -> None:
    run, data = training(5, 4), splits().train
    stack = Stack(run, data, initial_state(run, 4, np.float64).parameters, every_ghost=True)
    taken = first_batch(data, 8)
    gradient = gradient_of(stack, taken, ())
    done = stack.take(taken[:, None], PLAIN, [0.0], np.zeros(1, bool), ())
    site = done.passed[1].site
    np.testing.assert_array_equal(site.x_hat, gradient.tape["norm2"].x_hat.reshape(2, 8, 5))
    np.testing.assert_array_equal(site.y > 0, gradient.tape["relu2"])
    np.testing.assert_array_equal(site.ghost_moments.mean, done.moments["norm2"].mean[:, 0])
    x_hat = site.x_hat.reshape(2, 2, 4, 5)
    np.testing.assert_allclose(x_hat.mean(axis=2), 0, atol=1e-14)
    deviation = 1 / np.sqrt(site.ghost_moments.variance + 1e-5)
    np.testing.assert_allclose(site.inverse(2), deviation, rtol=1e-13)
    site.slope[:] = 7.0
    start = stack.layout.layers[1, places.SLOPE]
    assert stack.arrays[1, start : start + 8].tolist() == [7.0] * 5 + [0.0] * 3
