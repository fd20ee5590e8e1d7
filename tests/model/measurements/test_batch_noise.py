"""Noise of one example's x_hat over its batches, and the coupling of examples by a batch."""

from __future__ import annotations

from itertools import combinations
from math import gamma

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.measurements.batch_noise import FEATURES, Spread, batch_noise
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import normal

EPSILON = 0.2


def _z(values: Array, expected: float) -> float:
    return float((values.mean() - expected) / (values.std(ddof=1) / np.sqrt(len(values))))


def _repeats(h: Array, m: int, count: int, epsilon: float = EPSILON) -> list[Spread]:
    rng = np.random.default_rng(m)
    return [batch_noise(h, (m,), epsilon, rng)[m] for _ in range(count)]


def _x_hats(h: Array, i: int, m: int) -> Array:
    """x_hat of example i in every batch of m that holds it, `h` one feature."""
    others = [j for j in range(len(h)) if j != i]
    batches = h[[[i, *rest] for rest in combinations(others, m - 1)]]
    mean, variance = batches.mean(axis=1), batches.var(axis=1)
    return np.asarray((h[i] - mean) / np.sqrt(variance + EPSILON))


@pytest.mark.parametrize("m", [2, 3, 5, 7])
def test_noise_to_signal_over_all_batches_that_hold_an_example(m: int) -> None:
    """Enumerated for eight examples and two features of different size; 400 repeats, |z| < 4.

    Epsilon is in the units of each feature.
    """
    h = np.random.default_rng(1).gamma(2.0, size=(8, 2)) * [1.0, 3.0]
    expected = np.mean([_x_hats(h[:, k], i, m).var() for k in range(2) for i in range(8)])
    values = np.array([s.noise_to_signal for s in _repeats(h, m, 400)])
    assert abs(_z(values, expected)) < 4
    assert np.std(values) / np.sqrt(len(values)) < 0.1 * expected


def test_the_noise_of_normal_examples_is_three_halves_over_m() -> None:
    """SCIENCE C3: (1 + (rho + 2) / 4) / m to first order, rho = 0; 10 % for the second."""
    h, m = np.random.default_rng(2).standard_normal((20_000, 4)), 64
    spread = batch_noise(h, (m,), 0.0, np.random.default_rng(0))[m]
    assert spread.noise_to_signal == pytest.approx(1.5 / m, rel=0.1)


def test_the_whole_set_leaves_an_example_where_it_is() -> None:
    h = normal(0, 40, 3)
    spread = batch_noise(h, (40,), EPSILON, np.random.default_rng(0))[40]
    assert spread.noise_to_signal < 1e-28


def _energies(h: Array, m: int) -> tuple[float, float]:
    """Squares of the Jacobian's entries between examples, and of all, by central differences.

    The Jacobian is that of one batch's x_hat by its inputs, in the formula's unit: times the
    deviation.
    """
    layer = Norm(BatchNorm(m, EPSILON))
    parameters = {"gamma": np.ones((1, 1, 1)), "beta": np.zeros((1, 1, 1))}
    step, jacobian = 1e-5, np.empty((m, m))
    for j in range(m):
        moved = np.zeros(m)
        moved[j] = step
        high, low = (
            layer.forward(parameters, (h + move)[None, :, None], ())[0][0, :, 0]
            for move in (moved, -moved)
        )
        jacobian[:, j] = (high - low) / (2 * step)
    squares = jacobian**2 * (h.var() + EPSILON)
    return float(squares.sum() - np.trace(squares)), float(squares.sum())


@pytest.mark.parametrize("m", [3, 4, 6])
def test_coupling_is_the_share_of_the_jacobian_between_examples(m: int) -> None:
    """For all batches of one permutation, with the entries computed by batch norm itself."""
    h = np.random.default_rng(3).gamma(2.0, size=(12, 2)) * [1.0, 3.0]
    generator = np.random.default_rng(5)
    noise = batch_noise(h, (m,), EPSILON, np.random.default_rng(5))[m]
    generator.permutation(2)
    rounds = noise.batches // (12 // m)
    orders = [generator.permutation(12) for _ in range(rounds)]
    energies = [
        _energies(h[order[start : start + m], k], m)
        for order in orders
        for start in range(0, 12 // m * m, m)
        for k in range(2)
    ]
    between, every = np.sum(energies, axis=0)
    np.testing.assert_allclose(noise.coupling, between / every, rtol=1e-6)


@pytest.mark.parametrize("m", [4, 8, 32])
def test_coupling_of_normal_examples_is_two_over_m(m: int) -> None:
    """SCIENCE C2 e without epsilon: (2 - (3 + k) / m) / (m - 2), k the mean fourth power.

    For a normal batch E[k] = 3 (m - 1) / (m + 1).
    """
    h = np.random.default_rng(6).standard_normal((4096, 8))
    noise = batch_noise(h, (m,), 0.0, np.random.default_rng(0))[m]
    fourth = 3 * (m - 1) / (m + 1)
    expected = (2 - (3 + fourth) / m) / (m - 2)
    assert noise.coupling == pytest.approx(expected, rel=0.01)


def test_two_examples_have_no_coupling_to_speak_of() -> None:
    """Only signs are left: without epsilon the whole Jacobian is 0 (SCIENCE, finding 1)."""
    assert np.isnan(batch_noise(normal(0, 64, 3), (2,), 1e-5, np.random.default_rng(0))[2].coupling)


@pytest.mark.parametrize("m", [4, 16])
def test_normal_deviations_vary_as_their_law_says(m: int) -> None:
    """SCIENCE C1: v_B m / sigma^2 is chi-squared with m - 1, its root's variance in gammas."""
    h = np.random.default_rng(7).standard_normal((20_000, 8))
    noise = batch_noise(h, (m,), 1e-5, np.random.default_rng(0))[m]
    root = np.sqrt(2 / m) * gamma(m / 2) / gamma((m - 1) / 2)
    assert noise.deviation_variance == pytest.approx((m - 1) / m - root**2, rel=0.03)


def test_of_many_features_some_are_drawn_and_their_mean_stays_right() -> None:
    """Kurtosis of 100 features, of which 32 are measured: |z| < 4 over 300 draws."""
    shapes = np.linspace(0.3, 5, 100)
    h = np.random.default_rng(8).gamma(shapes, size=(64, 100))
    z = (h - h.mean(axis=0)) / h.std(axis=0)
    kurtosis = np.mean(z**4, axis=0) - 3
    values = np.array([s.excess_kurtosis for s in _repeats(h, 8, 300)])
    assert abs(_z(values, kurtosis.mean())) < 4
    chosen = np.std(kurtosis) / np.sqrt(FEATURES) * np.sqrt((100 - FEATURES) / 99)
    assert np.std(values) == pytest.approx(chosen, rel=4 / np.sqrt(2 * 300))
    noise = np.array([s.mean_variance for s in _repeats(h, 8, 300)])
    assert abs(_z(noise, (1 / 8) * (64 - 8) / 63)) < 4


def test_few_features_are_all_looked_at() -> None:
    h = np.random.default_rng(9).gamma(np.linspace(0.3, 5, FEATURES), size=(64, FEATURES))
    values = [float(s.excess_kurtosis) for s in _repeats(h, 8, 5)]
    assert np.ptp(values) < 1e-12
