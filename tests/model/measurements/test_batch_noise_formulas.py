"""Batch noise: the formulas by enumeration, the estimates by simulation."""

from __future__ import annotations

from itertools import combinations, product
from math import ceil

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.measurements.batch_noise import NOISE_BATCHES, PARTITIONS, Spread, batch_noise
from caviar.model.measurements.population import population
from caviar.model.norms.standardise import batch_moments
from tests.model.helpers import generators, initial, normal, random_examples, small_mlp

SKEWED = np.array([0.0, 0.3, 1.0, 1.1, 4.0, 9.0, 2.0, 0.1])


class _ByLength(np.random.Generator):
    """Permutations of one length do not depend on how many others were drawn.

    Features are drawn before examples are shuffled, so another feature changes no shuffle.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self._seed = seed
        self._of_length: dict[int, np.random.Generator] = {}

    def permutation(self, x: int) -> Array:  # type: ignore[override]
        generator = self._of_length.setdefault(x, np.random.default_rng([self._seed, x]))
        return generator.permutation(x)


def _subsets(population: Array, m: int) -> tuple[Array, Array]:
    """Mean and biased variance of every subset of m, as batches of the model."""
    rows = np.concatenate([list(s) for s in combinations(range(len(population)), m)])
    moments = batch_moments(population[rows][None, :, None], m)
    return moments.mean[0, :, 0], moments.variance[0, :, 0]


def _estimates(h: Array, m: int, repeats: int) -> list[Spread]:
    rng = np.random.default_rng(m)
    return [batch_noise(h, (m,), 1e-5, rng)[m] for _ in range(repeats)]


def _z(values: list[Array], expected: float) -> float:
    sample = np.array(values)
    return float((sample.mean() - expected) / (sample.std(ddof=1) / np.sqrt(len(sample))))


@pytest.mark.parametrize("m", [2, 3, 5, 7])
def test_moments_of_all_subsets(m: int) -> None:
    """SCIENCE C1 without replacement: Var(mu_B) and E[v_B], exactly."""
    h, n = SKEWED, len(SKEWED)
    means, variances = _subsets(h, m)
    assert means.mean() == pytest.approx(h.mean())
    assert means.var() == pytest.approx(h.var() / m * (n - m) / (n - 1))
    assert variances.mean() == pytest.approx((m - 1) / m * h.var(ddof=1))
    # Law of total variance: the variances within and between batches add up to the whole.
    assert variances.mean() + means.var() == pytest.approx(h.var())


@pytest.mark.parametrize("m", [2, 3, 4])
def test_moments_of_all_samples_with_replacement(m: int) -> None:
    """SCIENCE C1, independent draws: variance of v_B and its covariance with mu_B, exactly."""
    h = SKEWED[:6]
    moments = batch_moments(h[np.array(list(product(range(6), repeat=m)))].reshape(1, -1, 1), m)
    means, variances = moments.mean.ravel(), moments.variance.ravel()
    third, fourth = (np.mean((h - h.mean()) ** p) for p in (3, 4))
    spread = (m - 1) ** 2 / m**3 * (fourth - h.var() ** 2 * (m - 3) / (m - 1))
    assert means.var() == pytest.approx(h.var() / m)
    assert variances.mean() == pytest.approx((m - 1) / m * h.var())
    assert variances.var() == pytest.approx(spread)
    covariance = np.mean((means - means.mean()) * variances)
    assert covariance == pytest.approx(third * (m - 1) / m**2)


@pytest.mark.parametrize("m", [3, 8, 16, 47, 64])
def test_variance_of_the_batch_mean(m: int) -> None:
    h = np.random.default_rng(1).gamma(0.7, size=(96, 3))
    values = [spread.mean_variance for spread in _estimates(h, m, 300)]
    assert abs(_z(values, (1 / m) * (96 - m) / 95)) < 4


@pytest.mark.parametrize("m", [5, 6])
def test_variance_of_the_batch_deviation_over_all_subsets(m: int) -> None:
    deviations = np.sqrt(_subsets(SKEWED, m)[1]) / SKEWED.std()
    values = [spread.deviation_variance for spread in _estimates(SKEWED[:, None], m, 600)]
    assert abs(_z(values, deviations.var())) < 4


@pytest.mark.parametrize(
    "m", [8, 48, *(pytest.param(m, marks=pytest.mark.slow) for m in (16, 32, 64))]
)
def test_variance_of_the_batch_deviation_allows_for_dependent_batches(m: int) -> None:
    """Disjoint batches correlate negatively: treated as independent they give 3 % too much."""
    h = np.random.default_rng(2).gamma(2.0, size=(96, 1))
    generator = np.random.default_rng(3)
    subsets = generator.permuted(np.tile(h[:, 0], (40_000, 1)), axis=1)[:, :m]
    truth = subsets.std(axis=1).var() / h.var()
    values = [spread.deviation_variance for spread in _estimates(h, m, 1500)]
    assert np.mean(values) == pytest.approx(truth, rel=0.02)


def test_too_few_examples_for_a_batch_are_named() -> None:
    with pytest.raises(ValueError, match="a batch of 8 cannot be drawn from 6"):
        batch_noise(np.zeros((6, 1)), (4, 8), 1e-5, np.random.default_rng(0))


def test_a_feature_that_is_constant_up_to_rounding_is_left_out() -> None:
    live = np.random.default_rng(0).standard_normal((1437, 1))
    both = np.concatenate([live, np.full_like(live, 0.1)], axis=1)
    assert 0 < both[:, 1].var() < 1e-30
    alone = batch_noise(live, (16,), 1e-5, _ByLength(1))
    beside = batch_noise(both, (16,), 1e-5, _ByLength(1))
    for field, value in beside[16]._asdict().items():
        expected = getattr(alone[16], field)
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-8, equal_nan=False)


@pytest.mark.parametrize(("n", "m"), [(7, 4), (100, 8), (96, 3), (64, 64), (1000, 4), (16, 1)])
def test_enough_batches_stand_behind_a_variance(n: int, m: int) -> None:
    spread = batch_noise(normal(0, n, 2), (m,), 1e-5, np.random.default_rng(0))[m]
    assert spread.batches == n // m * max(PARTITIONS, ceil(NOISE_BATCHES / (n // m))) >= 32


def test_the_whole_set_has_no_noise() -> None:
    spread = batch_noise(normal(0, 40, 3), (40,), 1e-5, np.random.default_rng(0))[40]
    assert spread.mean_variance < 1e-28 and spread.deviation_variance < 1e-28


def test_excess_kurtosis_is_that_of_the_population() -> None:
    h = np.random.default_rng(1).gamma(0.7, size=(96, 3))
    centred = h - h.mean(axis=0)
    kurtosis = np.mean(centred**4, axis=0) / np.mean(centred**2, axis=0) ** 2 - 3
    for spread in batch_noise(h, (4, 8), 1e-5, np.random.default_rng(0)).values():
        np.testing.assert_allclose(spread.excess_kurtosis, kurtosis.mean(), rtol=1e-12)


def test_noise_has_no_unit() -> None:
    h = normal(0, 64, 3)
    first = batch_noise(h, (8,), 0.0, np.random.default_rng(0))[8]
    second = batch_noise(h * [1, 10, 1e-3] + [0, 5, -1], (8,), 0.0, np.random.default_rng(0))[8]
    np.testing.assert_allclose(first[1:], second[1:], rtol=1e-8)


def test_epsilon_has_the_unit_of_a_variance() -> None:
    h = normal(0, 64, 3)
    small, large, same = (
        batch_noise(scale * h, (8,), epsilon, np.random.default_rng(0))[8]
        for scale, epsilon in ((1, 0.5), (10, 50.0), (10, 0.5))
    )
    np.testing.assert_allclose(small[1:], large[1:], rtol=1e-10)
    assert large.noise_to_signal < 0.8 * same.noise_to_signal
    assert abs(large.coupling - same.coupling) > 1e-3


def test_sizes_share_permutations() -> None:
    h = normal(0, 64, 3)
    together = batch_noise(h, (4, 8, 48), 1e-5, np.random.default_rng(0))
    for m in together:
        alone = batch_noise(h, (m,), 1e-5, np.random.default_rng(0))[m]
        np.testing.assert_array_equal(alone, together[m])
    assert batch_noise(h, (), 1e-5, np.random.default_rng(0)) == {}


def test_dead_features_are_left_out() -> None:
    h = normal(0, 64, 2)
    dead = np.column_stack([h[:, 0], np.zeros(64), h[:, 1]])
    expected = batch_noise(h, (8,), 1e-5, _ByLength(0))[8]
    noise = batch_noise(dead, (8,), 1e-5, _ByLength(0))[8]
    np.testing.assert_allclose(noise[1:], expected[1:], rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_without_a_live_feature_noise_is_nan(value: float) -> None:
    spread = batch_noise(np.full((64, 2), value), (8,), 1e-5, np.random.default_rng(0))[8]
    assert spread.batches == 32
    assert all(np.isnan(field) for field in spread[1:])


def test_population_reports_the_noise_of_every_layer_and_replica() -> None:
    network, data = small_mlp(epsilon=0.5), random_examples(40, 2)
    parameters = initial(network, 4, (0, 1))
    exact = population(network, parameters, data, (4, 8), generators(2))
    assert list(exact.spread) == ["norm1", "norm2"]
    for r, generator in enumerate(generators(2)):
        h = data.features[data.index[r]] @ parameters["dense1"]["weight"][r]
        for m, single in batch_noise(h, (4, 8), 0.5, generator).items():
            spread = exact.spread["norm1"][m]
            assert spread.batches == single.batches
            for field, expected in zip(spread[1:], single[1:], strict=True):
                np.testing.assert_allclose(field[r], expected, rtol=1e-8)
