from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import batch_moments
from tests.model.helpers import moments, normal

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 9), st.integers(1, 4))


SEEDS = st.integers(0, 2**32 - 1)


def _gains(seed: int, replicas: int, features: int) -> dict[str, Array]:
    return {
        "gamma": 1 + 0.5 * normal(seed, replicas, 1, features),
        "beta": normal(seed + 1, replicas, 1, features),
    }


def _jacobian(x: Array, gamma: float, epsilon: float) -> Array:
    """gamma / sigma (I - 1 1^T / m - x_hat x_hat^T / m) of one feature's batch."""
    m, deviation = len(x), np.sqrt(x.var() + epsilon)
    x_hat = (x - x.mean()) / deviation
    jacobian = gamma / deviation * (np.eye(m) - 1 / m - np.outer(x_hat, x_hat) / m)
    return np.asarray(jacobian)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, seed=SEEDS, epsilon=st.sampled_from([1e-5, 1e-2, 1.0]))
def test_backward_is_the_closed_form_jacobian(
    shape: tuple[int, int, int, int], seed: int, epsilon: float
) -> None:
    replicas, groups, m, features = shape
    x, dy = normal(seed, 2, replicas, groups * m, features)
    parameters = _gains(seed + 1, replicas, features)
    layer = Norm(BatchNorm(m, epsilon))
    _, tape = layer.forward(parameters, x, ())
    dx, _ = layer.backward(parameters, tape, dy)
    expected = np.empty_like(x)
    for r, g, k in np.ndindex(replicas, groups, features):
        rows = slice(g * m, (g + 1) * m)
        jacobian = _jacobian(x[r, rows, k], parameters["gamma"][r, 0, k], epsilon)
        expected[r, rows, k] = jacobian.T @ dy[r, rows, k]
    np.testing.assert_allclose(dx, expected, rtol=1e-9, atol=1e-9 * np.abs(dy).max())


def test_two_examples_keep_only_their_order() -> None:
    x = normal(0, 2, 10, 5)
    y, _ = Norm(BatchNorm(2, 0.0)).forward(
        {"gamma": np.ones((2, 1, 5)), "beta": np.zeros((2, 1, 5))}, x, ()
    )
    pairs = x.reshape(2, 5, 2, 5)
    sign = np.sign(pairs - pairs[:, :, ::-1]).reshape(x.shape)
    np.testing.assert_allclose(y, sign, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(shape=SHAPES, seed=SEEDS)
def test_ghosts_are_separate_batches(shape: tuple[int, int, int, int], seed: int) -> None:
    replicas, groups, m, features = shape
    x, dy = normal(seed, 2, replicas, groups * m, features)
    parameters, layer = _gains(seed + 1, replicas, features), Norm(BatchNorm(m))
    y, tape = layer.forward(parameters, x, ())
    dx, gradients = layer.backward(parameters, tape, dy)
    sums = {k: np.zeros_like(v) for k, v in parameters.items()}
    for g in range(groups):
        rows = slice(g * m, (g + 1) * m)
        y_g, tape_g = layer.forward(parameters, x[:, rows], ())
        dx_g, gradients_g = layer.backward(parameters, tape_g, dy[:, rows])
        np.testing.assert_allclose(y[:, rows], y_g, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dx[:, rows], dx_g, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(moments(tape).mean[:, g], moments(tape_g).mean[:, 0], rtol=1e-12)
        sums = {k: sums[k] + gradients_g[k] for k in sums}
    for k, total in sums.items():
        np.testing.assert_allclose(gradients[k], total, rtol=1e-10, atol=1e-12)


def test_a_ghost_of_the_whole_batch_is_plain_batch_norm() -> None:
    x, parameters = normal(0, 2, 10, 4) + 3, _gains(1, 2, 4)
    y, tape = Norm(BatchNorm(10, 0.01)).forward(parameters, x, ())
    mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 0.01) * parameters["gamma"] + parameters["beta"]
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(moments(tape).mean, mean, rtol=1e-12)
    np.testing.assert_allclose(moments(tape).variance, variance, rtol=1e-12)


@pytest.mark.parametrize("groups", [1, 3])
def test_prediction_under_the_batch_s_own_moments_is_training(groups: int) -> None:
    x, parameters, layer = normal(0, 2, 12, 4), _gains(1, 2, 4), Norm(BatchNorm(12 // groups, 0.1))
    predicted = layer.predict(parameters, x, lambda h: batch_moments(h, 12 // groups))
    trained = layer.forward(parameters, x, ())[0]
    np.testing.assert_allclose(predicted, trained, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prediction_normalises_by_the_given_moments(dtype: DTypeLike) -> None:
    parameters = {k: v.astype(dtype) for k, v in _gains(1, 2, 4).items()}
    x, mean = normal(0, 2, 5, 4).astype(dtype), normal(2, 2, 1, 4).astype(dtype)
    variance = np.exp(normal(3, 2, 1, 4)).astype(dtype)
    y = Norm(BatchNorm(99, 0.25)).predict(parameters, x, lambda h: Moments(mean, variance))
    x_hat = (x - mean) / np.sqrt(variance + 0.25)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x_hat * parameters["gamma"] + parameters["beta"], rtol=1e-4)


def test_a_batch_that_ghosts_do_not_divide_is_refused() -> None:
    x, parameters = normal(0, 1, 10, 2), _gains(0, 1, 2)
    message = r"a batch of 10 cannot be cut into ghost batches of 4: 10 / 4 leaves 2"
    with pytest.raises(ValueError, match=message):
        Norm(BatchNorm(4)).forward(parameters, x, ())
    with pytest.raises(ValueError, match=message):
        batch_moments(x, 4)


def test_epsilon_is_1e_5_unless_told() -> None:
    assert BatchNorm(4).epsilon == LayerNorm().epsilon == 1e-5
