"""Sorted batches, and data that the statistics do not stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.audit.causes.data import concentration
from caviar.analysis.audit.evidence import Difference, Moments, NormLayer
from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, reading, readings, scaled, stored

ONE_CLASS = np.eye(10)[np.repeat(np.arange(10), 12)]


def _loaded_sorted(one: NormLayer) -> NormLayer:
    scatter = one.loaded.variance
    return replace(
        one, loaded=replace(one.loaded, variance=Moments(25 * scatter.mean, scatter.variance))
    )


def test_concentration_of_random_and_of_sorted_batches() -> None:
    counts = np.random.default_rng(0).multinomial(32, [0.1] * 10, size=500)
    assert concentration(counts / 32, 32) == pytest.approx(0, abs=0.01)
    assert concentration(ONE_CLASS, 32) == pytest.approx(1)
    assert concentration(np.ones((5, 1)), 32) == 0


def _sorted_model(population: float, offset: float) -> str:
    layers = [_loaded_sorted(layer(f"bn{i}")) for i in range(3)]
    moved = [stored(one, mean=one.population.moments.mean + offset) for one in layers]
    losses = readings(stored=population, population=population, batch=population)
    return verdict_of(evidence(*moved, class_shares=ONE_CLASS, train=losses)).cause


def test_sorted_batches_that_the_statistics_are_of() -> None:
    assert _sorted_model(population=2.2, offset=0.3) == "sorted-batches"


def test_an_unshuffled_loader_of_a_healthy_model_is_no_fault() -> None:
    assert _sorted_model(population=0.2, offset=0.3) == "healthy"
    assert _sorted_model(population=2.2, offset=0.0) == "healthy"


def test_a_test_set_that_gains_from_statistics_of_its_own() -> None:
    layers = [layer("bn1"), layer("bn2")]
    layers[0] = replace(layers[0], other=scaled(layers[0], 0.5, 0.8))
    test = readings(stored=34.5, population=34.0, batch=34.0)
    test = replace(test, other=reading(0.25), other_minus_population=Difference(-33.75, 0.1))
    verdict = verdict_of(evidence(*layers, test=test))
    assert verdict.cause == "other-data"
    assert "at norm bn1 their deviation is 0.5 times as large" in verdict.sentence
    assert "the loss of the test set is 34.5, and 0.25 with statistics of its own" in (
        verdict.sentence
    )


def test_a_test_set_that_gains_nothing_is_no_fault() -> None:
    one = layer()
    one = replace(one, other=scaled(one, 0.5))
    test = replace(readings(), other=reading(0.2), other_minus_population=Difference(0.0, 0.001))
    assert verdict_of(evidence(one, test=test)).cause == "healthy"


def test_a_test_set_that_the_statistics_serve_is_not_the_other_one() -> None:
    """The data given are 255 times as large; the test set has the scale of training."""
    one = layer()
    one = replace(one, other=scaled(one, 1 / 255))
    test = readings(stored=0.0584, population=3.0)
    test = replace(test, other=reading(0.059), other_minus_population=Difference(-2.941, 0.01))
    assert "The test set has other inputs" not in verdict_of(evidence(one, test=test)).sentence


@pytest.mark.parametrize("scale", [0.25, 0.5, 3.0])
def test_data_given_on_another_scale(scale: float) -> None:
    """Stored statistics are those of training; all that is measured is of scaled inputs."""
    first = layer("bn1", units=64, values=512)
    away = scaled(first, scale)
    bound = replace(
        first,
        population=away,
        regrouped=replace(
            first.regrouped,
            expected=Moments(away.moments.mean, away.moments.variance * 511 / 512),
            variance=Moments(
                scale**2 * first.regrouped.variance.mean,
                scale**4 * first.regrouped.variance.variance,
            ),
        ),
    )
    verdict = verdict_of(evidence(bound, layer("bn2"), train=readings(stored=3.0)))
    assert verdict.cause == "other-data"
    assert f"at norm bn1 their deviation is {scale:g} times the stored one" in verdict.sentence
