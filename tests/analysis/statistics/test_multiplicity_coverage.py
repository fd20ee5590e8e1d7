"""Bands, ranges, exponents and aggregates cover the truth as often as they say, by simulation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from caviar.analysis.statistics.best_level import range_of_best
from caviar.analysis.statistics.interquartile_mean import (
    interquartile_mean,
    interquartile_mean_interval,
)
from caviar.analysis.statistics.intervals import LEVEL
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from caviar.analysis.statistics.power_law import scaling_exponent
from caviar.analysis.statistics.trends import trend

Array = np.ndarray[Any, Any]

SIMULATIONS = 500
"""The standard error of a share of 95 % is then one per cent."""

DEAR = 300
"""Of procedures that take milliseconds; then it is 1.3 per cent."""

LEVELS = 2.0 ** np.arange(2, 9)
STEPS = np.arange(7.0)


TWENTY = pytest.param(20, marks=pytest.mark.exhaustive)
SKEWED = pytest.param("exponential", marks=pytest.mark.exhaustive)


def nature(simulation: int) -> np.random.Generator:
    return np.random.default_rng([1, simulation])


def resampling(simulation: int) -> np.random.Generator:
    return np.random.default_rng([2, simulation])


def correlated(generator: np.random.Generator, law: str, *shape: int) -> Array:
    """Noise of mean zero, `(..., units, levels)`, that the levels of a unit partly share."""

    def draw(*size: int) -> Array:
        return (
            generator.standard_normal(size)
            if law == "normal"
            else generator.exponential(size=size) - 1
        )

    return 0.8 * draw(*shape) + 0.6 * draw(*shape[:-1], 1)


def side_by_side(simulations: Array, size: int) -> Iterator[tuple[Array, np.random.Generator]]:
    """`size` simulations at a time, which share their resamples, each time others."""
    for i, values in enumerate(np.split(simulations, len(simulations) // size)):
        yield values, resampling(i)


def share_of_bands(law: str, units: int) -> float:
    simulations = correlated(nature(0), law, SIMULATIONS, units, 6)
    bands = [simultaneous_bands(*some) for some in side_by_side(simulations, 50)]
    return float(np.mean([((b.low <= 0) & (b.high >= 0)).all(axis=-1) for b in bands]))


@pytest.mark.parametrize("law", ["normal", SKEWED])
@pytest.mark.parametrize("units", [10, TWENTY])
def test_bands_cover_all_six_contrasts_together(law: str, units: int) -> None:
    assert 0.93 <= share_of_bands(law, units) <= 0.985


@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_bands_of_five_units_are_too_wide_rather_than_too_narrow(law: str) -> None:
    """The largest of six t* among resamples of five has a heavy tail: 99 % instead of 95 %."""
    assert 0.97 <= share_of_bands(law, 5) < 1


@pytest.mark.parametrize("units", [5, 10, TWENTY])
def test_trends_cover_the_slope(units: int) -> None:
    def covers(s: int) -> bool:
        generator = nature(s)
        slope = 0.3 + 0.2 * generator.standard_normal((units, 1))
        values = slope * STEPS + correlated(generator, "normal", units, 7)
        fitted = trend(values, LEVELS, resampling(s))
        return bool(fitted.low <= 0.3 <= fitted.high)

    assert 0.93 <= np.mean([covers(s) for s in range(DEAR)]) <= 0.97


VALLEYS = {
    "round": 0.1 * (STEPS - 3) ** 2,
    "as good as flat on one side": np.where(STEPS < 3, 3 - STEPS, 0.02 * (STEPS - 3)),
    "on the edge": 0.2 * STEPS,
}


@pytest.mark.parametrize("law", ["normal", SKEWED])
@pytest.mark.parametrize("shape", VALLEYS)
@pytest.mark.parametrize("units", [5, 10, TWENTY])
def test_ranges_cover_the_best_level(law: str, shape: str, units: int) -> None:
    """At least 95 %, less 3 z of the simulations: most on the flat side, where the percentiles of
    resampled minima cover 73 % of five units and 88 % of twenty."""
    curve = VALLEYS[shape]
    best = curve.argmin()
    count = 300 if shape == "as good as flat on one side" else 100

    simulations = curve + correlated(nature(0), law, count, units, 7)
    ranges = [range_of_best(*some, LEVEL) for some in side_by_side(simulations, 10)]
    covered = np.mean([(low <= best) & (best <= high) for low, high in ranges])
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / count)


@pytest.mark.parametrize("units", [5, 10, 20])
def test_ranges_rule_out_what_is_clearly_worse(units: int) -> None:
    """Coverage alone would be had by keeping every level."""
    simulations = VALLEYS["round"] + 0.1 * correlated(nature(0), "normal", 50, units, 7)
    ranges = [range_of_best(*some, LEVEL) for some in side_by_side(simulations, 10)]
    doublings = np.mean([high - low for low, high in ranges])
    assert doublings <= (4 if units == 5 else 2)


NOISE = {"a share": np.full(6, 0.1), "growing with m": 0.05 * np.sqrt(2.0 ** np.arange(6))}


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("units", [5, 10, 20])
def test_exponents_cover_the_truth_with_noise_that_sizes_share(kind: str, units: int) -> None:
    """m from 8 to 256 of 1437 examples, y = C u^1.1 with C by unit, correlated noise."""
    levels = 2.0 ** np.arange(3, 9)
    u = 1 / levels - 1 / 1437

    def covers(s: int) -> bool:
        generator = nature(s)
        strength = np.exp(0.3 * generator.standard_normal((units, 1)))
        noise = NOISE[kind] * correlated(generator, "normal", units, 6)
        fitted = scaling_exponent(
            strength * u**1.1 * (1 + noise), levels, 1437, resampling(s), smallest=8, largest=256
        )
        return bool(fitted.low <= 1.1 <= fitted.high)

    assert 0.93 <= np.mean([covers(s) for s in range(DEAR)]) <= 0.97


@pytest.mark.parametrize("law", ["normal", SKEWED])
@pytest.mark.parametrize("units", [5, 10, TWENTY])
def test_interquartile_means_of_three_data_sets_are_covered(law: str, units: int) -> None:
    """Five skewed units a data set are covered a little too often: 97.7 %."""

    def strata(generator: np.random.Generator, n: int) -> list[Array]:
        return [0.5 * i + correlated(generator, law, n, 1)[:, 0] for i in range(3)]

    truth = float(interquartile_mean(np.concatenate(strata(np.random.default_rng(0), 300_000))))

    def covers(s: int) -> bool:
        interval = interquartile_mean_interval(strata(nature(s), units), resampling(s))
        return bool(interval.low <= truth <= interval.high)

    assert 0.93 <= np.mean([covers(s) for s in range(DEAR)]) <= (0.97 if law == "normal" else 0.985)
