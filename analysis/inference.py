"""Intervals over the unit that was repeated: studentised bootstraps, vectorised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEVEL = 0.95
RESAMPLES = 4000
FEWEST = 5
"""Below this many units no interval is given: resamples of three or four say too little."""


ROUNDING = 1e-12
"""Units that differ by less than this share of their size are equal."""


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
    too narrow (Efron & Tibshirani 1993, section 12.5). Values that are not finite are left out
    and not counted in `units`.
    """
    return _of_mean(values, lambda n: generator.integers(0, n, (RESAMPLES, n)), level)


def mean_intervals(samples: Iterable[Array], seed: int, *, level: float = LEVEL) -> list[Interval]:
    """`mean_interval` of every sample, `(units,)` each, with a generator from `seed` each.

    Equal generators draw equal resamples for equal counts of units, so they are drawn once.
    """

    @cache
    def resamples(n: int) -> Array:
        return np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))

    return [_of_mean(values, resamples, level) for values in samples]


def _of_mean(values: Array, resamples: Callable[[int], Array], level: float) -> Interval:
    values = values[np.isfinite(values)].astype(np.float64)
    n = len(values)
    mean = float(values.mean()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    error = _standard_error(values)
    if error <= ROUNDING * np.abs(values).max():
        return Interval(mean, mean, mean, n)
    resampled = values[resamples(n)]
    means = resampled.mean(axis=1)
    return _studentised(mean, error, means, _standard_error(resampled, means), n, level)


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
    error = np.hypot(_standard_error(a), _standard_error(b))
    if error <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Interval(mean, mean, mean, n)
    ra = a[generator.integers(0, len(a), (RESAMPLES, len(a)))]
    rb = b[generator.integers(0, len(b), (RESAMPLES, len(b)))]
    errors = np.hypot(_standard_error(ra), _standard_error(rb))
    return _studentised(mean, error, ra.mean(axis=1) - rb.mean(axis=1), errors, n, level)


def _standard_error(values: Array, means: Array | None = None) -> Array:
    """Of the mean over the last axis; `means` where they are already known."""
    known = None if means is None else means[..., np.newaxis]
    spread = values.std(axis=-1, ddof=1) if known is None else values.std(-1, ddof=1, mean=known)
    return np.asarray(spread / np.sqrt(values.shape[-1]))


def _studentised(
    mean: float, error: Array, means: Array, errors: Array, units: int, level: float
) -> Interval:
    # A resample of equal units has no spread: its t* is infinite, and where there are many of
    # them, the units say nothing of how far the mean may lie on that side.
    none = errors <= 1e-12 * error
    t = np.where(none, np.copysign(np.inf, means - mean), means - mean)
    t[~none] /= errors[~none]
    tail = (1 - level) / 2
    upper, lower = np.quantile(t, [1 - tail, tail], method="inverted_cdf")
    return Interval(mean, float(mean - upper * error), float(mean - lower * error), units)
