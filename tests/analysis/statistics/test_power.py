"""Power: against statsmodels, simulation, and the three functions against each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from caviar.analysis.statistics.power import pilot_spread, power_of, smallest_effect, units_needed


@pytest.mark.parametrize("units", [2, 5, 20, 500])
@pytest.mark.parametrize("effect", [0.05, 0.5, 1.5])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_power_is_statsmodels(units: int, effect: float, alpha: float) -> None:
    expected = TTestPower().power(effect / 0.3, units, alpha)
    # Beyond a shift of 5 the tail of the wrong sign, below 3e-7, is left out.
    if np.isfinite(expected):
        assert power_of(effect, 0.3, units, alpha=alpha) == pytest.approx(expected, abs=3e-7)


def test_power_is_the_share_of_studies_that_find_the_effect() -> None:
    """20,000 studies of 8 units: within 4 z."""
    values = np.random.default_rng(0).normal(0.4, 0.5, (20_000, 8))
    rejected = stats.ttest_1samp(values, 0, axis=1).pvalue <= 0.05
    p = power_of(0.4, 0.5, 8)
    assert 0.3 < p < 0.7
    assert rejected.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 20_000))


def test_no_effect_is_found_at_the_level() -> None:
    assert power_of(0, 2.0, 7, alpha=0.03) == pytest.approx(0.03)


def test_the_sign_of_an_effect_does_not_matter() -> None:
    assert power_of(-0.4, 0.5, 8) == power_of(0.4, 0.5, 8)
    assert units_needed(-0.4, 0.5) == units_needed(0.4, 0.5)


@pytest.mark.parametrize("units", [2, 7, 10**5])
def test_a_huge_effect_is_almost_certain_to_be_found(units: int) -> None:
    assert power_of(1e4, 1, units) == pytest.approx(1)


@pytest.mark.parametrize("units", [2, 3, 5, 10, 20, 1000])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_the_smallest_effect_is_found_with_that_power(units: int, power: float) -> None:
    effect = smallest_effect(units, 0.3, power=power)
    assert power_of(effect, 0.3, units) == pytest.approx(power, abs=1e-6)


def test_the_smallest_effect_is_statsmodels() -> None:
    expected = TTestPower().solve_power(nobs=12, alpha=0.01, power=0.9)
    assert smallest_effect(12, 2, power=0.9, alpha=0.01) == pytest.approx(2 * expected, rel=1e-4)


@pytest.mark.parametrize(("effect", "power"), [(0.2, 0.8), (0.1, 0.9), (1.0, 0.8)])
def test_units_needed_are_statsmodels_rounded_up(effect: float, power: float) -> None:
    expected = TTestPower().solve_power(effect_size=effect / 0.3, alpha=0.05, power=power)
    assert units_needed(effect, 0.3, power=power) == int(np.ceil(expected))


def test_the_worked_example() -> None:
    """Spread 0.3, effect 0.2: (1.96 + 0.84)^2 0.09 / 0.04 = 17.7 by the normal law, and about
    1.96^2 / 2 more for a spread that is estimated."""
    assert units_needed(0.2, 0.3) == 20


@settings(deadline=None, max_examples=40)
@given(st.floats(0.02, 5), st.floats(0.2, 0.99), st.floats(0.001, 0.1))
def test_units_needed_are_the_fewest(ratio: float, power: float, alpha: float) -> None:
    units = units_needed(ratio, 1, power=power, alpha=alpha)
    assert power_of(ratio, 1, units, alpha=alpha) >= power
    assert units == 2 or power_of(ratio, 1, units - 1, alpha=alpha) < power


def test_a_wrong_tail_too_small_for_scipy_is_none() -> None:
    assert power_of(0.11033298312400253, 1, 2048, alpha=0.001) == pytest.approx(
        stats.nct.sf(stats.t.isf(0.0005, 2047), 2047, 0.11033298312400253 * np.sqrt(2048))
    )


def test_an_effect_beyond_any_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1000000 units"):
        units_needed(1e-4, 1)
    assert 800_000 < units_needed(3e-3, 1) < 1_000_000


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: power_of(1, 1, 1), "two units or more; got 1"),
        (lambda: smallest_effect(1, 1), "two units or more; got 1"),
        (lambda: power_of(1, 0, 5), "positive standard deviation; got 0"),
        (lambda: units_needed(1, np.nan), "positive standard deviation; got nan"),
        (lambda: smallest_effect(5, -1), "positive standard deviation; got -1"),
        (lambda: power_of(1, 1, 5, alpha=0), "between 0 and 1; got 0"),
        (lambda: power_of(np.inf, 1, 5), "finite number; got inf"),
        (lambda: units_needed(0, 1), "effect of 0"),
        (lambda: units_needed(1, 1, power=1), "alpha = 0.05 and 1; got 1"),
        (lambda: smallest_effect(5, 1, power=0.01), "alpha = 0.05 and 1; got 0.01"),
    ],
)
def test_what_no_study_has_is_refused(ask: Callable[[], float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ask()


def test_a_pilots_spread() -> None:
    values = np.array([1.0, np.nan, 2.0, 4.0, np.inf, 3.5])
    spread = pilot_spread(values)
    assert spread.deviation == pytest.approx(np.std([1, 2, 4, 3.5], ddof=1))
    assert (spread.units, spread.left_out) == (4, 2)


def test_the_upper_spread_is_exceeded_as_seldom_as_it_says() -> None:
    """10,000 pilots of 5 units: within 4 z; the spread itself is exceeded in over half."""
    generator = np.random.default_rng(0)
    pilots = [pilot_spread(2 * generator.standard_normal(5)) for _ in range(10_000)]
    above = np.mean([pilot.upper < 2 for pilot in pilots])
    assert above == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 10_000))
    assert np.mean([pilot.deviation < 2 for pilot in pilots]) > 0.55


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_a_pilot_of_one_has_no_spread(values: list[float]) -> None:
    spread = pilot_spread(np.array(values))
    assert np.isnan([spread.deviation, spread.upper]).all()
