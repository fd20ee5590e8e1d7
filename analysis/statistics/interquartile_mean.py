"""One number across data sets: the interquartile mean, with units resampled within each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL, Interval, t_quantile
from caviar.analysis.statistics.resampling import RESAMPLES, ROUNDING

Array = NDArray[Any]


def interquartile_mean(values: Array) -> Array:
    """Mean of the middle half along the last axis of `values`, `(..., units)`.

    A quarter of the units, rounded down, is cut at each end (as rliable does; Agarwal et al.
    2021, section 4.3): less moved by one bad unit than the mean, less wasteful than the median.
    """
    return _middle_mean(np.sort(values, axis=-1))


def interquartile_mean_interval(
    strata: Sequence[Array], generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """Interquartile mean of all units of `strata`, one array `(units,)` per data set.

    Units are resampled within their data set, as many as it has, because the data sets were chosen
    and not drawn; the interval holds for these data sets only. It is studentised by the variance of
    winsorised units within data sets (Tukey & McLaughlin 1963), since percentiles of resamples
    (rliable's) are too narrow at five units. Values must be comparable between data sets, as
    contrasts in units of a common scale are; a data set with more units weighs more. Values that
    are not finite are left out; `units` counts those of all data sets. No interval where a data set
    has fewer than five. Where an outer quantile is a resample without spread, as with five units
    of a single data set, Student's t of the units in the middle takes its place.

    Raises ValueError without a data set.
    """
    if not len(strata):
        raise ValueError("an interquartile mean needs the units of one data set or more; got none")
    kept = [units[np.isfinite(units)].astype(np.float64) for units in strata]
    pooled = np.concatenate(kept)
    n = len(pooled)
    nan = float("nan")
    ordered = np.sort(pooled)
    mean = float(_middle_mean(ordered)) if n else nan
    if min(len(units) for units in kept) < FEWEST:
        return Interval(mean, nan, nan, n)
    error = float(_standard_error(pooled, ordered, [len(units) for units in kept]))
    if error <= ROUNDING * np.abs(pooled).max():
        return Interval(mean, mean, mean, n)
    t = _studentised(kept, mean, error, generator)
    tail = (1 - level) / 2
    upper, lower = np.quantile(t, [1 - tail, tail], method="inverted_cdf")
    if np.isinf([upper, lower]).any():
        upper = -t_quantile(tail, n - 2 * (n // 4) - 1)
        lower = -upper
    return Interval(mean, float(mean - upper * error), float(mean - lower * error), n)


def _studentised(
    kept: Sequence[Array], mean: float, error: float, generator: np.random.Generator
) -> Array:
    """How far the mean of every resample lies from `mean`, in its own standard errors.

    Infinite where a resample has no spread beside `error`. `(RESAMPLES,)`.
    """
    resampled = np.concatenate(
        [units[generator.integers(0, len(units), (RESAMPLES, len(units)))] for units in kept],
        axis=1,
    )
    in_order = np.sort(resampled, axis=-1)
    away = np.asarray(_middle_mean(in_order) - mean)
    errors = _standard_error(resampled, in_order, [len(units) for units in kept])
    t = np.copysign(np.inf, away)
    np.divide(away, errors, out=t, where=errors > ROUNDING * error)
    return t


def _middle_mean(ordered: Array) -> Array:
    """The interquartile mean of units in rising order, `(..., units)`."""
    cut = ordered.shape[-1] // 4
    return np.asarray(ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1))


def _standard_error(pooled: Array, ordered: Array, sizes: Sequence[int]) -> Array:
    """Standard error of the interquartile mean of `pooled`, `(..., units)`.

    `pooled` holds strata of `sizes` one after the other; `ordered` the same units in rising order.
    """
    n = pooled.shape[-1]
    cut = n // 4
    winsorised = np.clip(pooled, ordered[..., cut, None], ordered[..., n - 1 - cut, None])
    strata = np.split(winsorised, np.cumsum(sizes)[:-1], axis=-1)
    variance = sum(part.var(axis=-1, ddof=1) * part.shape[-1] for part in strata)
    return np.asarray(np.sqrt(variance) / (n - 2 * cut))
