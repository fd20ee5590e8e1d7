"""Noise of batches and of statistics, and what remains."""

from __future__ import annotations

from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, stored


def test_small_batches_whose_noise_costs_more_than_statistics() -> None:
    layers = [layer(f"bn{i}", values=4) for i in range(3)]
    losses = readings(stored=0.354, population=0.344, batch=0.6)
    verdict = verdict_of(evidence(*layers, batch_size=4, train=losses))
    assert verdict.cause == "small-batch"
    assert "each norm sees 4 examples, and their noise adds 0.256 nats" in verdict.sentence


def test_batches_of_16_are_not_small_nor_is_noise_that_costs_nothing() -> None:
    noisy = readings(batch=0.6)
    assert verdict_of(evidence(batch_size=16, train=noisy)).cause == "healthy"
    assert verdict_of(evidence(batch_size=4, train=readings(batch=0.2))).cause == "healthy"


def test_errors_that_sampling_explains_are_sampling() -> None:
    layers = [layer(f"bn{i}", momentum=0.6, values=8) for i in range(3)]
    verdict = verdict_of(evidence(*layers, train=readings(stored=0.4)))
    assert verdict.cause == "sampling"
    assert "momentum=0.6 averages over about 1.67 batches of 32" in verdict.sentence


def test_errors_beyond_sampling_are_lag() -> None:
    layers = [layer(f"bn{i}") for i in range(3)]
    moved = [stored(one, mean=one.population.moments.mean * 0.7) for one in layers]
    verdict = verdict_of(evidence(*moved, train=readings(stored=0.4)))
    assert verdict.cause == "lag"


def test_statistics_that_trail_moving_weights_must_cost_half_of_the_loss() -> None:
    """A constant rate leaves small errors of this kind in any model."""
    layers = [layer(f"bn{i}", values=4096) for i in range(3)]
    trailing = [
        stored(one, mean=one.population.moments.mean + 0.15 * one.population.moments.variance**0.5)
        for one in layers
    ]
    told = [verdict_of(evidence(*trailing, train=readings(stored=loss))) for loss in (0.28, 0.32)]
    assert [verdict.cause for verdict in told] == ["healthy", "lag"]  # 0.2 with the population's
    far = [stored(one, mean=one.population.moments.mean + 1.0) for one in layers]
    assert verdict_of(evidence(*far, train=readings(stored=0.28))).cause == "lag"


def test_few_nats_that_double_the_loss_are_lag() -> None:
    """Of models that fit their data the loss is near zero, and so is whatever is added to it."""
    layers = [layer(f"bn{i}", values=4096) for i in range(3)]
    far = [stored(one, mean=one.population.moments.mean + 1.0) for one in layers]
    told = [
        verdict_of(evidence(*far, train=readings(loss, 0.01, 0.011, error=0.0005))).cause
        for loss in (0.013, 0.018)
    ]
    assert told == ["healthy", "lag"]


def test_a_cost_within_its_error_is_healthy() -> None:
    assert verdict_of(evidence(train=readings(stored=0.4, error=0.1))).cause == "healthy"
