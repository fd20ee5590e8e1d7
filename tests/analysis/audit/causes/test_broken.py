"""Statistics that are no numbers, and dead layers, come before every other cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.analysis.audit.evidence import Moments
from caviar.analysis.audit.verdict import verdict_of
from tests.analysis.audit.made import evidence, layer, readings, stored


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 0.0])
def test_one_impossible_variance_is_broken(value: float) -> None:
    one = layer()
    assert one.stored is not None
    variance = np.where(np.arange(64) == 7, value, one.stored.variance)
    verdict = verdict_of(evidence(stored(one, variance=variance), train=readings(np.nan)))
    assert verdict.cause == "broken"
    assert verdict.sentence.startswith(
        "1 stored statistic of norm bn1 is NaN, infinite, negative or"
    )


def _with_population(mean: float, dead: int) -> object:
    one = layer()
    variance = np.where(np.arange(64) < dead, 0.0, one.population.moments.variance)
    moments = Moments(one.population.moments.mean + mean, variance)
    return replace(one, population=replace(one.population, moments=moments))


def test_most_units_dead_is_broken() -> None:
    verdict = verdict_of(evidence(_with_population(0.0, 40)))  # type: ignore[arg-type]
    assert verdict.cause == "broken"
    assert "(40 of 64)" in verdict.sentence


def test_inputs_that_are_no_numbers_are_broken() -> None:
    verdict = verdict_of(evidence(_with_population(np.nan, 0)))  # type: ignore[arg-type]
    assert verdict.sentence.startswith(
        "The inputs of norm bn1 are NaN or infinite at these weights"
    )


def test_some_dead_units_are_not() -> None:
    one = _with_population(0.0, 20)
    assert verdict_of(evidence(one)).cause == "healthy"  # type: ignore[arg-type]
