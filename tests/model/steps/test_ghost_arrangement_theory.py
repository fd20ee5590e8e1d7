"""SCIENCE C1: the noise of the statistics of stratified ghosts, exactly."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.norms.standardise import batch_moments
from caviar.model.steps.ghost_arrangement import stratified

SHARES = {0: 4, 1: 2}
"""Examples of each class in a small population that is one batch."""


def _z(values: Array, expected: float) -> float:
    """Standard errors between the mean of independent values and what it should be."""
    return float((values.mean() - expected) / (values.std(ddof=1) / np.sqrt(values.size)))


def test_stratified_ghosts_of_a_finite_population_over_all_orders() -> None:
    """Each class contributes the variance of its share; there is none between classes."""
    labels = np.repeat(list(SHARES), list(SHARES.values()))
    h = np.array([0.0, 0.3, 1.0, 4.0, 20.0, 23.0])
    rows = np.array(list(permutations(range(6))))
    arranged = stratified(3)(rows, labels[rows])
    means = batch_moments(h[arranged][:, :, None], 3).mean[:, :, 0]
    # A ghost of three has two of the four examples of class 0 and one of the two of class 1.
    expected = sum(
        (taken / 3) ** 2 * h[labels == c].var() / taken * (n - taken) / (n - 1)
        for (c, n), taken in zip(SHARES.items(), (2, 1), strict=True)
    )
    np.testing.assert_allclose(means.var(axis=0), expected, rtol=1e-10)
    np.testing.assert_allclose(means.mean(axis=0), h.mean(), rtol=1e-10)


@pytest.mark.parametrize("m", [4, 8, 16])
def test_stratified_ghosts_have_the_noise_within_classes_alone(m: int) -> None:
    """Var(mu_g) = E_c[sigma_c^2] / m for independent draws in a class; |z| < 4, 4,000 batches."""
    rng = np.random.default_rng(m)
    h = rng.gamma(1.0, size=(4, 50)) + 10 * np.arange(4)[:, None]
    within, middle = h.var(axis=1).mean(), h.mean()
    # Batches of 32, eight of each class, drawn with replacement and shuffled.
    drawn = rng.integers(0, 50, (4000, 4, 8)) + 50 * np.arange(4)[:, None]
    rows = rng.permuted(drawn.reshape(4000, 32), axis=1)
    arranged = stratified(m)(rows, rows // 50)
    means = batch_moments(h.ravel()[arranged][:, :, None], m).mean[:, :, 0]
    squares = np.mean((means - middle) ** 2, axis=1)
    assert abs(_z(squares, within / m)) < 4
    random = batch_moments(h.ravel()[rows][:, :, None], m).mean[:, :, 0]
    assert random.var() > 2 * means.var()
