"""Intervals over the unit that was repeated: studentised bootstraps, vectorised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from caviar.analysis.statistics.resampling import ROUNDING, drawn_counts, moments

Array = NDArray[Any]

LEVEL = 0.95
FEWEST = 5
"""Below this many units no interval is given: resamples of three or four say too little."""


class Interval(NamedTuple):
    """A mean with its confidence interval (NaN where there are too few units)."""

    mean: float
    low: float
    high: float
    units: int


def mean_interval(
    values: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """Mean of `values`, `(units,)`, with a studentised (bootstrap-t) interval.

    Each resample of units gives t* = (mean* - mean) / se*; the interval is mean - t* se at the
    outer quantiles. It keeps its level for few, skewed units where the percentile bootstrap is
    too narrow (Efron & Tibshirani 1993, section 12.5). Where so many units tie that an outer
    quantile is a resample without spread, the resamples do not bound the mean, and the interval
    is Student's: both ends are always finite. Values that are not finite are left out and not
    counted in `units`.
    """
    return _of_mean(values, lambda n: drawn_counts(generator, n), level)


def mean_intervals(samples: Iterable[Array], seed: int, *, level: float = LEVEL) -> list[Interval]:
    """`mean_interval` of every sample, `(units,)` each, each with a new generator from `seed`.

    Equal generators draw equal resamples for equal counts of units, so they are drawn once.
    """

    @cache
    def counts(n: int) -> Array:
        return drawn_counts(np.random.default_rng(seed), n)

    return [_of_mean(values, counts, level) for values in samples]


def _of_mean(values: Array, counts: Callable[[int], Array], level: float) -> Interval:
    values = values[np.isfinite(values)].astype(np.float64)
    n = len(values)
    mean = float(values.mean()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    error = _standard_error(values)
    if error <= ROUNDING * np.abs(values).max():
        return Interval(mean, mean, mean, n)
    means, variances = moments((values - mean) / error, counts(n))
    return _studentised(mean, error, means, variances / n, n, level)


def difference_interval(
    a: Array, b: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """mean(a) - mean(b) of independent units, each `(units,)`, with a studentised interval.

    For plain random search, where nothing is paired. `units` is the smaller of both counts.
    """
    a, b = (x[np.isfinite(x)].astype(np.float64) for x in (a, b))
    n = min(len(a), len(b))
    mean = float(a.mean() - b.mean()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    error = float(np.hypot(_standard_error(a), _standard_error(b)))
    if error <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Interval(mean, mean, mean, n)
    (means_a, of_a), (means_b, of_b) = (
        moments((x - x.mean()) / error, drawn_counts(generator, len(x))) for x in (a, b)
    )
    squares = of_a / len(a) + of_b / len(b)
    return _studentised(mean, error, means_a - means_b, squares, n, level)


def _standard_error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _studentised(
    mean: float, error: float, away: Array, squares: Array, units: int, level: float
) -> Interval:
    """The interval from the resampled means' distances from the mean and their squared standard
    errors, both in units of `error`."""
    # A resample of equal units has no spread: its t* is infinite.
    t = np.copysign(np.inf, away)
    np.divide(away, np.sqrt(squares.clip(0)), out=t, where=squares > ROUNDING)
    tail = (1 - level) / 2
    upper, lower = np.quantile(t, [1 - tail, tail], method="inverted_cdf")
    if np.isinf([upper, lower]).any():
        upper = stats.t.isf(tail, units - 1)
        lower = -upper
    return Interval(mean, float(mean - upper * error), float(mean - lower * error), units)
