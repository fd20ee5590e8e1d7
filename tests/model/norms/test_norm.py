"""The layer around every normaliser."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import normal


def _gains(seed: int, replicas: int, features: int) -> dict[str, Array]:
    return {
        "gamma": 1 + 0.5 * normal(seed, replicas, 1, features),
        "beta": normal(seed + 1, replicas, 1, features),
    }


def test_gains_start_at_one_and_shifts_at_zero() -> None:
    for layer in (Norm(BatchNorm(4)), Norm(LayerNorm())):
        parameters, features = layer.init(
            tuple(np.random.default_rng(r) for r in range(3)), 5, float
        )
        assert features == 5
        np.testing.assert_array_equal(parameters["gamma"], np.ones((3, 1, 5)))
        np.testing.assert_array_equal(parameters["beta"], np.zeros((3, 1, 5)))


def test_the_layer_is_gamma_z_plus_beta_and_its_gradient() -> None:
    x, parameters = normal(0, 2, 12, 6), _gains(1, 2, 6)
    for layer in (Norm(BatchNorm(4)), Norm(LayerNorm())):
        y, tape = layer.forward(parameters, x, ())
        z, dy = tape.z.reshape(x.shape), normal(3, *x.shape)
        np.testing.assert_allclose(y, parameters["gamma"] * z + parameters["beta"], rtol=1e-12)
        dx, gradients = layer.backward(parameters, tape, dy)
        np.testing.assert_allclose(gradients["gamma"], (dy * z).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(gradients["beta"], dy.sum(axis=1, keepdims=True))
        dz = (dy * parameters["gamma"]).reshape(tape.z.shape)
        inner = layer.normaliser.backward(parameters, tape, dz)
        np.testing.assert_array_equal(dx, inner.reshape(x.shape))


def test_only_what_carries_something_has_references() -> None:
    gamma = np.ones((2, 1, 5), np.float32)
    assert Norm(BatchNorm(4)).references(gamma) == {}
    _, tape = Norm(BatchNorm(4)).forward(_gains(1, 2, 5), normal(0, 2, 8, 5), ())
    assert Norm(BatchNorm(4)).follow({}, tape) == {}
    layer = Norm(MomentumBatchNorm(4, 0.5))
    start = layer.references(gamma)
    assert start.keys() == layer.follow(start, tape).keys()
    assert {value.dtype for value in start.values()} == {np.dtype(np.float32)}
