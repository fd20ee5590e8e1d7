"""Standardising groups, its gradient and its algebra."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.norms.standardise import batch_moments, standardise, standardise_backward
from tests.model.helpers import normal

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 9), st.integers(1, 4))


SEEDS = st.integers(0, 2**32 - 1)


def test_jacobian_annihilates_shift_and_scale() -> None:
    x = normal(0, 6, 1)
    x_hat, inverse_deviation, _, variance = standardise(x, 1e-3)
    rows = [standardise_backward(row[:, None], x_hat, inverse_deviation)[:, 0] for row in np.eye(6)]
    eigenvalues = np.sort(np.linalg.eigvalsh(np.array(rows)))
    v = variance[0, 0]
    expected = [0, 1e-3 / (v + 1e-3) ** 1.5, *[(v + 1e-3) ** -0.5] * 4]
    np.testing.assert_allclose(eigenvalues, expected, atol=1e-12)


def test_off_diagonal_energy_of_the_jacobian() -> None:
    x_hat, _, _, _ = standardise(normal(0, 9, 1), 0.0)
    one = np.ones((1, 1))
    jacobian = np.array([standardise_backward(e[:, None], x_hat, one)[:, 0] for e in np.eye(9)])
    energy = np.sum(jacobian**2) - np.sum(np.diag(jacobian) ** 2)
    np.testing.assert_allclose(energy, 2 - (3 + np.mean(x_hat**4)) / 9, rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, seed=SEEDS, epsilon=st.sampled_from([0.0, 1e-5, 0.1]))
def test_standardised_batches(shape: tuple[int, int, int, int], seed: int, epsilon: float) -> None:
    m = shape[2]
    x = normal(seed, *shape) * 3 + 5
    x_hat, inverse_deviation, mean, v = standardise(x, epsilon)
    np.testing.assert_allclose(x_hat.sum(axis=2), 0, atol=1e-10)
    np.testing.assert_allclose(np.mean(x_hat**2, axis=2), (v / (v + epsilon))[:, :, 0], rtol=1e-10)
    assert np.abs(x_hat).max() <= np.sqrt(m - 1) * (1 + 1e-10)
    np.testing.assert_allclose(mean[:, :, 0], x.mean(axis=2), rtol=1e-12)
    np.testing.assert_allclose(v[:, :, 0], x.var(axis=2), rtol=1e-10)
    np.testing.assert_allclose(inverse_deviation**-2, v + epsilon, rtol=1e-10)


def test_leave_one_out_form() -> None:
    """BN is a soft clip of the z-score by the other examples: SCIENCE C2 b."""
    h, m = normal(3, 7), 7
    x_hat, _, _, _ = standardise(h[:, None], 0.0)
    for i in range(m):
        others = np.delete(h, i)
        u = (h[i] - others.mean()) / others.std()
        expected = np.sqrt((m - 1) / m) * u / np.sqrt(1 + u**2 / m)
        np.testing.assert_allclose(x_hat[i, 0], expected, rtol=1e-12)


def test_single_precision_variance_survives_a_large_mean() -> None:
    x = (normal(0, 1, 64, 3) + 3000).astype(np.float32)
    exact = x.astype(np.float64).var(axis=1)
    np.testing.assert_allclose(standardise(x, 1e-5)[3][:, 0], exact, rtol=1e-4)
    np.testing.assert_allclose(batch_moments(x, 64).variance[:, 0], exact, rtol=1e-4)


def test_batch_moments_go_by_consecutive_groups() -> None:
    x = normal(0, 2, 12, 3)
    moments = batch_moments(x, 4)
    assert moments.mean.shape == moments.variance.shape == (2, 3, 3)
    for g in range(3):
        rows = x[:, 4 * g : 4 * g + 4]
        np.testing.assert_allclose(moments.mean[:, g], rows.mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(moments.variance[:, g], rows.var(axis=1), rtol=1e-12)
