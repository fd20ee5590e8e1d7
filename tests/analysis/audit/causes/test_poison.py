"""A poisoned batch: too large a variance in all units, and hardly another mean."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.audit.evidence import NormLayer
from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, stored


def poisoned(one: NormLayer, size: float, steps: int, m: int) -> NormLayer:
    """The layer after one example of `size` deviations, so many steps before the end."""
    assert one.stored is not None
    weight = 0.1 * 0.9**steps
    values = size * np.random.default_rng(3).normal(size=len(one.stored.mean))
    sigma = np.sqrt(one.population.moments.variance)
    return stored(
        one,
        mean=one.stored.mean + weight * values * sigma / m,
        variance=one.stored.variance + weight * (values * sigma) ** 2 * (m - 1) / m**2,
    )


@pytest.mark.parametrize(("size", "steps"), [(52, 6), (120, 12), (40, 2)])
def test_one_example_shortly_before_the_end(size: float, steps: int) -> None:
    layers = [poisoned(layer("bn1"), size, steps, 32), layer("bn2"), layer("bn3")]
    verdict = verdict_of(evidence(*layers, train=readings(stored=2.4)))
    assert verdict.cause == "poisoned-batch"
    assert "too large in nearly all units" in verdict.sentence


def test_a_poison_that_was_forgotten_is_healthy() -> None:
    layers = [poisoned(layer("bn1"), 52, 100, 32), layer("bn2"), layer("bn3")]
    assert verdict_of(evidence(*layers)).cause == "healthy"


def test_variances_off_to_both_sides_are_lag() -> None:
    one = layer("bn1")
    assert one.stored is not None
    factors = np.exp(np.random.default_rng(3).normal(size=64))
    both = stored(one, variance=one.stored.variance * factors)
    assert verdict_of(evidence(both, layer("bn2"), train=readings(stored=2.4))).cause == "lag"
