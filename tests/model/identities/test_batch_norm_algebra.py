"""SCIENCE C2: what one normalising layer's algebra says exactly, through the real layers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from caviar.model.contract import Array
from caviar.model.layers import Dense
from caviar.model.measurements.population import population
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.random_streams import batches, streams
from tests.model.broken_arms import right
from tests.model.helpers import (
    generators,
    initial,
    moments,
    normal,
    randomised_network,
    small_mlp,
    small_splits,
    with_moved_references,
)


def _jacobian(layer: Norm, x: Array, gamma: float) -> Array:
    """Every output of one feature's batch by every input, with one backward pass per row."""
    parameters = {"gamma": np.full((1, 1, 1), gamma), "beta": np.ones((1, 1, 1))}
    _, tape = layer.forward(parameters, x[None, :, None], ())
    rows = np.eye(len(x))[:, None, :, None]
    return np.stack([layer.backward(parameters, tape, row)[0][0, :, 0] for row in rows])


@pytest.mark.parametrize("m", [2, 3, 5, 8])
def test_a_ghost_has_two_directions_that_carry_no_gradient(m: int) -> None:
    """C2 d at epsilon 0: eigenvalues 0, 0 and m - 2 times gamma / sigma_B, ghost by ghost."""
    x, gamma = normal(m, 3 * m) * 2 + 1, 1.7
    jacobian = _jacobian(Norm(BatchNorm(m, 0.0)), x, gamma)
    for g in range(3):
        rows = slice(g * m, (g + 1) * m)
        eigenvalues = np.sort(np.linalg.eigvalsh(jacobian[rows, rows]))
        expected = [0, 0, *[gamma / x[rows].std()] * (m - 2)]
        np.testing.assert_allclose(eigenvalues, expected, atol=1e-10)
        jacobian[rows, rows] = 0
    np.testing.assert_array_equal(jacobian, 0)


@pytest.mark.parametrize("arm", right(8))
def test_a_bias_in_front_of_a_norm_has_no_gradient(arm: str) -> None:
    """C2 f: the mean removes it again, unless its gradient stops or it goes over features."""
    network = Network((("dense1", Dense(6)), ("norm1", right(8)[arm]), ("dense2", Dense(3))))
    x = normal(1, 2, 32, 4)
    parameters = randomised_network(initial(network, 4, (0, 1)), 5)
    parameters = with_moved_references(network, parameters, 5)
    logits, tape = network.forward(parameters, x, generators(2))
    _, gradients = network.backward(parameters, tape, normal(2, *logits.shape))
    size = np.abs(gradients["dense1"]["bias"]).max()
    if arm in ("stop gradient", "layer", "group", "momentum"):
        assert size > 0.1
    else:
        assert size < 1e-10


def test_the_first_layer_s_population_mean_is_zero_on_centred_inputs() -> None:
    """C2 g: whatever the weights, so that the first layer's mean cannot be stale."""
    network, splits = small_mlp(), small_splits(2)
    for seed in range(3):
        parameters = randomised_network(initial(network, 4, (0, 1)), seed)
        exact = population(network, parameters, splits.train, (), generators(2)).moments
        assert np.abs(exact["norm1"].mean).max() < 1e-12
        assert np.abs(exact["norm2"].mean).max() > 0.1


@pytest.mark.parametrize("m", [4, 8])
def test_nested_ghosts_are_the_law_of_total_variance_of_their_parts(m: int) -> None:
    """The same epoch in ghosts of m and of 2 m: the parts' moments are the whole's."""
    data = small_splits(2).train
    rows = next(batches(streams((0, 1), "order"), len(data), 48))
    x, _ = data.take(rows)
    unit = {"gamma": np.ones((2, 1, 4)), "beta": np.zeros((2, 1, 4))}
    parts, whole = (moments(Norm(BatchNorm(size)).forward(unit, x, ())[1]) for size in (m, 2 * m))
    means = parts.mean.reshape(2, -1, 2, 4)
    variances = parts.variance.reshape(2, -1, 2, 4)
    np.testing.assert_allclose(whole.mean, means.mean(axis=2), atol=1e-12)
    total = variances.mean(axis=2) + (means[:, :, 0] - means[:, :, 1]) ** 2 / 4
    np.testing.assert_allclose(whole.variance, total, rtol=1e-10)


def _z(values: Array, expected: float) -> float:
    """Standard errors between the mean of independent values and what it should be."""
    return float((values.mean() - expected) / (values.std(ddof=1) / np.sqrt(values.size)))


@pytest.mark.parametrize("m", [8, 16, 64])
def test_a_normal_batch_s_deviation_is_too_small_by_jensen(m: int) -> None:
    """E[sigma / sigma_B] and E[sigma^2 / v_B] of normal batches, |z| < 4 on 40,000 values."""
    x = 3 * np.random.default_rng(m).standard_normal((4, 100 * m, 100)) + 1
    unit = {"gamma": np.ones((4, 1, 100)), "beta": np.zeros((4, 1, 100))}
    _, tape = Norm(BatchNorm(m, 0.0)).forward(unit, x, ())
    jensen = np.sqrt(m / 2) * np.exp(gammaln((m - 2) / 2) - gammaln((m - 1) / 2))
    assert abs(_z(3 * tape.inverse_deviation, float(jensen))) < 4
    assert abs(_z(9 * tape.inverse_deviation**2, m / (m - 3))) < 4
