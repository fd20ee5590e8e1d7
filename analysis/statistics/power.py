"""How many units a paired contrast needs, and how small an effect a given number can show."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import t_quantile

Array = NDArray[Any]

POWER = 0.8
ALPHA = 0.05
MOST = 10**6
"""More units than anyone trains."""


class Spread(NamedTuple):
    """Standard deviation of paired differences, and how large it may be."""

    deviation: float
    upper: float
    units: int
    left_out: int


def pilot_spread(differences: Array, *, confidence: float = 0.8) -> Spread:
    """The spread of a pilot's paired `differences`, `(units,)`.

    A pilot of few units underestimates the spread more often than not. `upper` is exceeded by the
    true one in 1 - `confidence` of pilots with normal differences: planning with it keeps the
    promised power in `confidence` of studies (Browne 1995). NaN below two units. Values that are
    not finite are left out and counted.
    """
    finite = differences[np.isfinite(differences)].astype(np.float64)
    n, left_out = len(finite), int((~np.isfinite(differences)).sum())
    if n < 2:
        return Spread(float("nan"), float("nan"), n, left_out)
    deviation = float(finite.std(ddof=1))
    return Spread(deviation, deviation * _upper_ratio(n, confidence), n, left_out)


@cache
def _upper_ratio(units: int, confidence: float) -> float:
    """`upper` of `pilot_spread` in observed deviations."""
    return math.sqrt((units - 1) / scipy.stats.chi2.ppf(1 - confidence, units - 1))


def power_of(effect: float, spread: float, units: int, *, alpha: float = ALPHA) -> float:
    """Probability that a two-sided paired t test of `units` finds a mean difference `effect`.

    From the noncentral t, both tails counted; `spread` is the standard deviation of the paired
    differences in the same units as `effect`. Raises ValueError for fewer than two units, or a
    spread, level or effect that no study has.
    """
    _check(spread, alpha)
    if units < 2:
        raise ValueError(f"a t test needs two units or more; got {units}")
    if not math.isfinite(effect):
        raise ValueError(f"an effect is a finite number; got {effect}")
    return _power(abs(effect) / spread, units, alpha)


def units_needed(
    effect: float, spread: float, *, power: float = POWER, alpha: float = ALPHA
) -> int:
    """The fewest units with which a two-sided paired t test finds `effect` with `power`.

    Raises ValueError as `power_of` does, for a power that is not between alpha and 1, for an
    effect of zero, and where a million units are too few.
    """
    _check(spread, alpha)
    _check_power(power, alpha)
    if not (math.isfinite(effect) and effect != 0):
        raise ValueError(f"no number of units finds an effect of {effect}; give one other than 0")
    ratio = abs(effect) / spread
    if _power(ratio, MOST, alpha) < power:
        raise ValueError(
            f"more than {MOST} units are needed for an effect {ratio:.2g} times the spread"
        )
    few, enough = 1, 2
    while _power(ratio, enough, alpha) < power:
        few, enough = enough, min(2 * enough, MOST)
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if _power(ratio, middle, alpha) >= power else (middle, enough)
    return enough


def smallest_effect(
    units: int, spread: float, *, power: float = POWER, alpha: float = ALPHA
) -> float:
    """The smallest mean difference that a two-sided paired t test of `units` finds with `power`.

    Before a run `spread` is assumed or that of a pilot; after it, the observed spread tells what
    the run could have shown. In the units of `spread`. Raises ValueError as `power_of` does, and
    for a power that is not between alpha and 1.
    """
    _check(spread, alpha)
    _check_power(power, alpha)
    if units < 2:
        raise ValueError(f"a t test needs two units or more; got {units}")
    return _smallest_ratio(units, power, alpha) * spread


@cache
def _smallest_ratio(units: int, power: float, alpha: float) -> float:
    """`smallest_effect` in spreads: a table asks for that of the same units many times."""
    high = 1.0
    while _power(high, units, alpha) < power:
        high *= 2
    ratio = scipy.optimize.brentq(lambda r: _power(r, units, alpha) - power, 0, high, xtol=1e-12)
    return float(ratio)


def _power(ratio: float, units: int, alpha: float) -> float:
    """Power at an effect of `ratio` spreads."""
    far = float(-t_quantile(alpha / 2, units - 1))
    shift = ratio * math.sqrt(units)
    upper_tail = float(scipy.stats.nct.sf(far, units - 1, shift))
    # Beyond a shift of 5 the wrong tail holds less than 3e-7; SciPy's is NaN where it is tiny.
    wrong_tail = float(scipy.stats.nct.cdf(-far, units - 1, shift)) if shift < 5 else 0.0
    return upper_tail + (0.0 if math.isnan(wrong_tail) else wrong_tail)


def _check(spread: float, alpha: float) -> None:
    if not (math.isfinite(spread) and spread > 0):
        raise ValueError(f"a spread is a positive standard deviation; got {spread}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1; got {alpha}")


def _check_power(power: float, alpha: float) -> None:
    if not alpha < power < 1:
        raise ValueError(f"power lies between alpha = {alpha:g} and 1; got {power}")
