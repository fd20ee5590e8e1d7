"""Batch norm whose statistics carry no gradient, against batch norm."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.stop_gradient import StopGradientNorm
from tests.model.helpers import moments, normal


def _unit(x: Array) -> Parameters:
    shape = (x.shape[0], 1, x.shape[2])
    return {"gamma": np.ones(shape, x.dtype), "beta": np.zeros(shape, x.dtype)}


def test_stop_gradient_changes_the_backward_pass_alone() -> None:
    x, dy = normal(0, 2, 12, 5) + 3, normal(1, 2, 12, 5)
    parameters = {"gamma": 1 + normal(2, 2, 1, 5), "beta": normal(3, 2, 1, 5)}
    y, tape = Norm(StopGradientNorm(4, 0.1)).forward(parameters, x, ())
    plain, plain_tape = Norm(BatchNorm(4, 0.1)).forward(parameters, x, ())
    np.testing.assert_array_equal(y, plain)
    dx, gradients = Norm(StopGradientNorm(4, 0.1)).backward(parameters, tape, dy)
    _, plain_gradients = Norm(BatchNorm(4, 0.1)).backward(parameters, plain_tape, dy)
    for k, g in plain_gradients.items():
        np.testing.assert_array_equal(gradients[k], g)
    deviation = np.sqrt(np.repeat(moments(tape).variance, 4, axis=1) + 0.1)
    np.testing.assert_allclose(dx, dy * parameters["gamma"] / deviation, rtol=1e-12)
