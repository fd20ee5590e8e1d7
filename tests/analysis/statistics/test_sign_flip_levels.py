"""Tests err as seldom as they say where there is nothing to find, and find what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.equivalence import equivalence
from caviar.analysis.statistics.multiplicity import holm
from caviar.analysis.statistics.sign_flip import sign_flip
from caviar.analysis.statistics.trends import page
from caviar.analysis.statistics.u_shape import p_of_u

Array = np.ndarray[Any, Any]

SIMULATIONS = 500
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)
"""5 % and 3 z of so many simulations: 7.9 %."""

LEVELS = 2.0 ** np.arange(2, 9)
STEPS = np.arange(7.0)
TEN, TWENTY = (pytest.param(units, marks=pytest.mark.exhaustive) for units in (10, 20))
UNITS = pytest.mark.parametrize("units", [5, 10, TWENTY])
DEAR = pytest.mark.parametrize("units", [5, TEN, TWENTY])
"""For the tests whose simulations take seconds."""


def rejected(test: Callable[[np.random.Generator, np.random.Generator], float]) -> float:
    """Share of simulations with p at most 5 %."""
    p_values = [
        test(np.random.default_rng([3, s]), np.random.default_rng([4, s])) <= 0.05
        for s in range(SIMULATIONS)
    ]
    return float(np.mean(p_values))


def correlated(generator: np.random.Generator, *shape: int) -> Array:
    """Noise, `(..., units, levels)`, that the levels of a unit partly share."""
    alone, shared = (generator.standard_normal(size) for size in (shape, (*shape[:-1], 1)))
    return np.asarray(0.8 * alone + 0.6 * shared)


@UNITS
@pytest.mark.parametrize("step", [0.0, 0.5])
def test_sign_flips_hold_their_level_with_and_without_ties(units: int, step: float) -> None:
    def test(nature: np.random.Generator, chance: np.random.Generator) -> float:
        values = nature.standard_normal(units)
        values = np.round(values / step) * step if step else values
        return sign_flip(values, chance).p_value

    share = rejected(test)
    assert share <= MOST
    # Five units have no two-sided p under 1/16; ten or more can come close to the level.
    assert share == 0 if units == 5 else share >= 0.02


@UNITS
def test_sign_flips_find_a_large_difference(units: int) -> None:
    share = rejected(lambda nature, chance: sign_flip(nature.normal(2, 1, units), chance).p_above)
    assert share > 0.75


@UNITS
def test_page_holds_its_level(units: int) -> None:
    share = rejected(lambda nature, chance: page(correlated(nature, units, 7), chance).p_value)
    assert 0.03 <= share <= MOST


@DEAR
def test_page_holds_its_level_with_ties(units: int) -> None:
    share = rejected(
        lambda nature, chance: page(np.round(correlated(nature, units, 7)), chance).p_value
    )
    assert 0.03 <= share <= MOST


@DEAR
@pytest.mark.parametrize("side", [-1, 1])
def test_a_difference_of_the_margin_is_called_equivalent_in_one_of_twenty(
    units: int, side: int
) -> None:
    def test(nature: np.random.Generator, chance: np.random.Generator) -> float:
        values = 0.3 * nature.standard_normal(units) + side
        return 0.0 if equivalence(values, 1, chance).equivalent else 1.0

    assert 0.01 <= rejected(test) <= MOST


@DEAR
def test_equal_arms_are_found_equivalent_within_a_wide_margin(units: int) -> None:
    def test(nature: np.random.Generator, chance: np.random.Generator) -> float:
        values = 0.3 * nature.standard_normal(units)
        return 0.0 if equivalence(values, 1, chance).equivalent else 1.0

    assert rejected(test) > 0.8


def called_u(curve: Array, units: int) -> float:
    """Share of simulations, 50 at a time, in which the curve with noise has p at most 5 %."""
    nature, chance = np.random.default_rng(3), np.random.default_rng(4)
    simulations = curve + correlated(nature, SIMULATIONS, units, 7)
    p_values = [p_of_u(some, LEVELS, chance) for some in np.split(simulations, SIMULATIONS // 50)]
    return float(np.mean([p <= 0.05 for p in p_values]))


NO_VALLEYS = {
    "flat": 0 * STEPS,
    "falls": -0.3 * STEPS,
    "falls, then flat": 3 * np.maximum(1 - STEPS, 0),
    "flat, then rises": 3 * np.maximum(STEPS - 3, 0),
}


@UNITS
@pytest.mark.parametrize("shape", NO_VALLEYS)
def test_what_is_no_u_is_called_one_in_at_most_one_of_twenty(units: int, shape: str) -> None:
    assert called_u(NO_VALLEYS[shape], units) <= MOST


@UNITS
def test_a_valley_is_called_a_u(units: int) -> None:
    assert called_u(0.3 * (STEPS - 3) ** 2, units) > 0.75


@pytest.mark.parametrize("units", [10, TWENTY])
def test_holms_family_errs_anywhere_in_one_of_twenty(units: int) -> None:
    def test(nature: np.random.Generator, chance: np.random.Generator) -> float:
        columns = correlated(nature, units, 4).T
        return float(holm(np.array([sign_flip(c, chance).p_value for c in columns])).min())

    assert 0.01 <= rejected(test) <= MOST
