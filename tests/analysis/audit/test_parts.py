"""The parts of a difference add up, and sampling has the size of its law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.audit.evidence import Moments
from caviar.analysis.audit.parts import kl_per_unit, parts_of, size_of, squares_of_rule
from tests.analysis.audit.made import layer, scaled, stored


def test_start_bias_and_rest_add_up_to_the_difference() -> None:
    one = layer(momentum=0.01, updates=100, weight=0.99**100, values=4)
    parts = parts_of(one, 0.99**100)
    assert one.stored is not None
    population = one.population.moments
    sigma = np.sqrt(population.variance + 1e-5)
    mixed = 0.99**100 * 0.0 + (1 - 0.99**100) * population.mean
    np.testing.assert_allclose(
        parts.difference_mean, (one.stored.mean - population.mean) / sigma, rtol=1e-12
    )
    np.testing.assert_allclose(parts.rest_mean, (one.stored.mean - mixed) / sigma, atol=1e-12)
    assert parts.start is not None
    start = float(np.sqrt(np.mean(((mixed - population.mean) / sigma) ** 2)))
    assert parts.start.mean.value == pytest.approx(start)


@pytest.mark.parametrize(("momentum", "values"), [(0.1, 16), (0.1, 200), (0.99, 64), (0.02, 8)])
def test_sampling_has_the_size_of_its_law(momentum: float, values: int) -> None:
    """Running averages of simulated batches, over what is said that sampling leaves."""
    one = layer(units=400, values=values, momentum=momentum, updates=300)
    draw, population = np.random.default_rng(1), one.population.moments
    mean, variance = np.zeros(400), np.ones(400)
    spread = np.sqrt(population.variance / values)
    for _ in range(300):
        means = population.mean + spread * draw.normal(size=400)
        variances = population.variance * draw.chisquare(values - 1, 400) / (values - 1)
        mean += momentum * (means - mean)
        variance += momentum * (variances - variance)
    parts = parts_of(stored(one, mean, variance), (1 - momentum) ** 300)
    assert parts.excess_mean == pytest.approx(1, abs=0.15)
    assert parts.excess_variance == pytest.approx(1, abs=0.2)
    assert parts.lag is not None and parts.sampling is not None
    assert parts.lag.mean.low == 0
    assert parts.lag.mean.value < parts.sampling.mean.value


def test_lag_is_what_remains_beyond_sampling() -> None:
    held = 0
    for seed in range(100):
        one = layer(units=200, values=100, seed=seed)
        assert one.stored is not None
        moved = stored(one, mean=one.stored.mean + 0.1 * np.sqrt(one.population.moments.variance))
        lag = parts_of(moved, 0.0).lag
        assert lag is not None
        assert lag.mean.value == pytest.approx(0.1, abs=0.01)
        held += lag.mean.low < 0.1 < lag.mean.high
    assert held >= 90


def test_the_shift_of_other_data() -> None:
    one = layer()
    shift = parts_of(replace(one, other=scaled(one, 0.5)), 0.0).shift
    assert shift is not None
    assert shift.variance.value == pytest.approx(2 * np.log(2), rel=1e-4)


def test_the_divergence_of_two_normal_laws() -> None:
    divergence = kl_per_unit(Moments(np.zeros(1), np.ones(1)), Moments(np.ones(1), np.ones(1)), 0.0)
    assert divergence == pytest.approx([0.5])
    wide = kl_per_unit(Moments(np.zeros(1), 4 * np.ones(1)), Moments(np.zeros(1), np.ones(1)), 0.0)
    assert wide == pytest.approx([0.5 * (np.log(4) + 0.25 - 1)])


def test_squared_weights_of_the_rule() -> None:
    assert squares_of_rule(layer(momentum=0.1, updates=10**6)) == pytest.approx(0.1 / 1.9)
    assert squares_of_rule(replace(layer(), momentum=None, updates=50)) == 1 / 50
    assert squares_of_rule(layer(updates=1, momentum=0.1)) == pytest.approx(0.01)
    assert squares_of_rule(replace(layer(), updates=0)) == pytest.approx(0.1 / 1.9)
    assert squares_of_rule(replace(stored(layer(), 0.0, 1.0), updates=0)) == 0
    assert squares_of_rule(replace(layer(), momentum=0.0)) == 0


def test_an_interval_over_units() -> None:
    size = size_of(np.array([1.0, 4.0, 4.0, 1.0, np.nan]))
    assert size.value == pytest.approx(np.sqrt(2.5))
    half = 1.96 * np.sqrt(3) / 2
    assert (size.low, size.high) == pytest.approx((np.sqrt(2.5 - half), np.sqrt(2.5 + half)))
    assert np.isnan(size_of(np.array([2.0])).low)


def test_a_norm_that_stores_nothing_has_no_parts() -> None:
    with pytest.raises(ValueError, match="norm bn1 stores no statistics"):
        parts_of(replace(layer(), stored=None), 0.0)
