"""Trends over ordered levels: a slope per unit, and Page's test of their order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import LEVEL, mean_interval
from caviar.analysis.statistics.resampling import RESAMPLES, whole_units
from caviar.analysis.statistics.sign_flip import sign_flip

Array = NDArray[Any]

DIGITS = 12
"""Values that are equal in as many digits have one rank."""

EXACT_UNITS, EXACT_LEVELS = 20, 8
"""Up to these sizes Page's L has its exact distribution within a second."""


def slopes(values: Array, levels: Array) -> Array:
    """Least-squares slope of each unit of `values`, `(units, levels)`, on log2 of `levels`.

    In units of `values` per doubling; `(units,)`. Raises ValueError for fewer than two levels, or
    one that is not positive.
    """
    if len(levels) < 2 or not (levels > 0).all():
        raise ValueError(f"a slope needs two or more positive levels; got {list(levels)}")
    x = np.log2(levels)
    x = x - x.mean()
    slope: Array = values @ x / (x @ x)
    return slope


class Trend(NamedTuple):
    """The mean slope per doubling of the level, its interval, and its two-sided sign-flip p."""

    mean: float
    low: float
    high: float
    p_value: float
    units: int
    left_out: int


def trend(
    values: Array, levels: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Trend:
    """The slope of `values`, `(units, levels)`, on log2 of `levels`, over units.

    One slope per unit, then an interval over slopes: with the same levels in every unit this is
    the mixed model with a random intercept and slope. Units with a value that is not finite are
    left out and counted; fewer than five have no interval.
    """
    values, left_out = whole_units(values)
    each = slopes(values, levels)
    interval = mean_interval(each, generator, level=level)
    p_value = sign_flip(each, generator).p_value
    return Trend(interval.mean, interval.low, interval.high, p_value, interval.units, left_out)


class Page(NamedTuple):
    """Page's L, and its p-values: for a rise, for a fall, and two-sided."""

    statistic: float
    p_rise: float
    p_fall: float
    p_value: float
    units: int
    left_out: int
    exact: bool


def page(values: Array, generator: np.random.Generator) -> Page:
    """Page's test (1963) that `values`, `(units, levels)`, rise or fall from level to level.

    L is the sum over levels of position times rank sum, ranks within a unit, ties sharing the
    mean rank. Under the null all orders of a unit's values are equally likely, which requires
    levels of equal spread. Exact up to 20 units and 8 levels without ties; otherwise from 4000
    random orders and the observed one, which also holds with ties. The two-sided p is twice the
    smaller. Units with a value that is not finite are left out and counted.
    """
    values, left_out = whole_units(values)
    n, k = values.shape
    if n == 0:
        nan = float("nan")
        return Page(nan, nan, nan, nan, 0, left_out, False)
    ranks = scipy.stats.rankdata(_rounded(values), axis=1)
    ties = (np.diff(np.sort(ranks, axis=1)) == 0).any()
    exact = not ties and 2 <= n <= EXACT_UNITS and 3 <= k <= EXACT_LEVELS
    rise, fall = _exact(ranks) if exact else _random_orders(ranks, generator)
    statistic = float(ranks.sum(axis=0) @ np.arange(1, k + 1))
    return Page(statistic, rise, fall, min(1.0, 2 * min(rise, fall)), n, left_out, exact)


def _rounded(values: Array) -> Array:
    """Every unit in shares of its largest value, without the digits that rounding leaves.

    Means of equal counts may differ in these, and are ties.
    """
    largest = np.abs(values).max(axis=1, keepdims=True)
    shares = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    rounded: Array = np.round(shares, DIGITS)
    return rounded


def _exact(ranks: Array) -> tuple[float, float]:
    rise, fall = (
        float(scipy.stats.page_trend_test(r, ranked=True, method="exact").pvalue)
        for r in (ranks, ranks[:, ::-1])
    )
    return rise, fall


def _random_orders(ranks: Array, generator: np.random.Generator) -> tuple[float, float]:
    orders = np.broadcast_to(ranks, (RESAMPLES, *ranks.shape)).copy()
    generator.permuted(orders, axis=2, out=orders)
    position = np.arange(1, ranks.shape[1] + 1)
    # Ranks are whole or half numbers: the sums are exact, and so are ties between them.
    observed, shuffled = ranks.sum(axis=0) @ position, orders.sum(axis=1) @ position
    rise, fall = (
        float((1 + count.sum()) / (1 + RESAMPLES))
        for count in (shuffled >= observed, shuffled <= observed)
    )
    return rise, fall
