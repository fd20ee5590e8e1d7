"""How a quantity scales with u = 1/m - 1/N, which is zero when the mini-batch is everything."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL
from caviar.analysis.statistics.resampling import RESAMPLES, ROUNDING, whole_units

Array = NDArray[Any]

EQUAL = 1e-24
"""Variance of shares of a unit below which units are equal but for rounding."""


class Exponent(NamedTuple):
    """The exponent of u between two levels, with its interval.

    `not_positive` is the share of the values fitted that are zero or below.
    """

    exponent: float
    low: float
    high: float
    smallest: float
    largest: float
    units: int
    left_out: int
    not_positive: float


def scaling_exponent(
    values: Array,
    levels: Array,
    examples: int,
    generator: np.random.Generator,
    *,
    smallest: float,
    largest: float,
    level: float = LEVEL,
) -> Exponent:
    """Slope of log mean on log u over the levels from `smallest` to `largest`.

    `values` is `(units, levels)`, `levels` `(levels,)` the batch sizes m, and u = 1/m - 1/N with N
    = `examples`: what sampling without replacement leaves of 1/m. Units are averaged before the
    log. A noisy value at a large m may be zero or below while its mean is not; dropping such units
    would keep the large ones and flatten the slope. Levels are weighted by the inverse variance of
    their shares of a unit, shrunk half-way to equal weights, because a variance of five seeds may
    be small by chance. The interval is a studentised bootstrap over units, the weights fitted anew
    in each resample; units keep their levels, so common random numbers are accounted for. A
    resample without an exponent, its mean being zero or below somewhere, counts as infinitely far
    on both sides; where that reaches an end, there is no interval. Units with a value in the range
    that is not finite are left out and counted; no exponent where a mean is not positive, no
    interval below five.

    Raises ValueError where fewer than two levels are in the range, or one is not below N.
    """
    inside = (levels >= smallest) & (levels <= largest)
    if inside.sum() < 2:
        raise ValueError(
            f"an exponent needs two levels from {smallest:g} to {largest:g}; got {list(levels)}"
        )
    x = _log_u(levels[inside], examples)
    kept, left_out = whole_units(values[:, inside])
    n = len(kept)
    share = float((kept <= 0).mean()) if n else float("nan")
    slope, low, high = _with_interval(kept, x, generator, level)
    ends = float(levels[inside].min()), float(levels[inside].max())
    return Exponent(slope, low, high, *ends, n, left_out, share)


def local_slopes(
    values: Array,
    levels: Array,
    examples: int,
    generator: np.random.Generator,
    *,
    level: float = LEVEL,
) -> list[Exponent]:
    """The exponent between each pair of neighbouring levels: a power law has all of them equal.

    Like `scaling_exponent`, over two levels each; `levels` rises. Each interval is for its pair
    alone.
    """
    return [
        scaling_exponent(
            values, levels, examples, generator, smallest=smaller, largest=larger, level=level
        )
        for smaller, larger in pairwise(levels)
    ]


def _log_u(levels: Array, examples: int) -> Array:
    if not ((levels > 0) & (levels < examples)).all():
        raise ValueError(
            f"1/m - 1/N has a logarithm for m from 1 to below N = {examples}; got {list(levels)}; "
            "narrow the range"
        )
    log_u: Array = np.log(1 / levels - 1 / examples)
    return log_u


def _with_interval(
    values: Array, x: Array, generator: np.random.Generator, level: float
) -> tuple[float, float, float]:
    n = len(values)
    nan = float("nan")
    if n == 0:
        return nan, nan, nan
    slope, error = (float(estimate) for estimate in _weighted(values, x))
    if n < FEWEST or np.isnan(slope):
        return slope, nan, nan
    if error <= ROUNDING:
        return slope, slope, slope
    slopes, errors = _weighted(values[generator.integers(0, n, (RESAMPLES, n))], x)
    away = slopes - slope
    t = np.copysign(np.inf, away)
    np.divide(away, errors, out=t, where=errors > ROUNDING * error)
    none = np.isnan(slopes)
    tail = (1 - level) / 2
    upper = np.quantile(np.where(none, np.inf, t), 1 - tail, method="inverted_cdf")
    lower = np.quantile(np.where(none, -np.inf, t), tail, method="inverted_cdf")
    if np.isinf([upper, lower]).any():
        return slope, nan, nan
    return slope, float(slope - upper * error), float(slope - lower * error)


def _weighted(values: Array, x: Array) -> tuple[Array, Array]:
    """Slope of log mean on `x`, and its standard error to first order in the means.

    Both `(...,)` for values `(..., units, levels)`; NaN where a mean is not positive.
    """
    means = values.mean(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = values / means[..., None, :]
        logs = np.where(means > 0, np.log(means), np.nan)
        # What all levels of a unit have in common does not move the slope.
        deviations = share - share.mean(axis=-1, keepdims=True)
        variance = (deviations**2).mean(axis=-2)
        typical = variance.mean(axis=-1, keepdims=True)
        weights = np.where(typical > EQUAL, typical / (variance + typical), 1.0)
        away = x - ((weights * x).sum(axis=-1) / weights.sum(axis=-1))[..., None]
        pull = weights * away / (weights * away**2).sum(axis=-1, keepdims=True)
        influence = (share * pull[..., None, :]).sum(axis=-1)
        error = np.sqrt((influence**2).mean(axis=-1) / (values.shape[-2] - 1))
    return (pull * logs).sum(axis=-1), error
