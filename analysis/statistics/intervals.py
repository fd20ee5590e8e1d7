"""Intervals over the unit that was repeated: Student's t and bootstrap-t, the farther of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from caviar.analysis.statistics.resampling import ROUNDING, drawn_counts, moments

Array = NDArray[Any]

LEVEL = 0.95
FEWEST = 5
"""Below this many units no interval is given: resamples of three or four say too little."""

KEPT = 64
"""Resamples of up to so many units are kept, 2 MB of them."""


class Interval(NamedTuple):
    """A mean with its confidence interval (NaN where there are too few units)."""

    mean: float
    low: float
    high: float
    units: int


def t_quantile(share: float, freedom: Array | float) -> Array:
    """What Student's t stays below with probability `share`.

    The bits of `scipy.stats.t.ppf`, which takes forty times as long to look at its arguments: a
    report asks for thousands.
    """
    return np.asarray(stdtrit(freedom, share))


def t_tail(t: float, freedom: float) -> float:
    """The probability that Student's t exceeds `t`: the bits of `scipy.stats.t.sf`."""
    return float(stdtr(freedom, -t))


def mean_interval(
    values: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """Mean of `values`, `(units,)`, with an interval each end of which is the farther of two.

    One is Student's. The other is the studentised bootstrap's: each resample of units gives t* =
    (mean* - mean) / se*, and the end is mean - t* se at an outer quantile (Efron & Tibshirani
    1993, section 12.5). Student's end is too near on the side of a long tail, the bootstrap's on
    either side where units are symmetric with heavy tails, as differences are: it follows a skew
    that these units have by chance. The farther keeps 2.5 % a side for symmetric units of every
    law in docs/inference.md. Where so many units tie that an outer quantile is a resample without
    spread, the resamples do not bound the mean and Student's end stands: both are always finite.
    Values that are not finite are left out and not counted in `units`.
    """
    return _of_mean(values, lambda n: drawn_counts(generator, n), level)


def mean_intervals(samples: Iterable[Array], seed: int, *, level: float = LEVEL) -> list[Interval]:
    """`mean_interval` of every sample, `(units,)` each, each with a new generator from `seed`.

    Equal generators draw equal resamples for equal counts of units, so they are drawn once.
    """

    @cache
    def counts(n: int) -> Array:
        return _counts(seed, n) if n <= KEPT else drawn_counts(np.random.default_rng(seed), n)

    return [_of_mean(values, counts, level) for values in samples]


@lru_cache(maxsize=16)
def _counts(seed: int, n: int) -> Array:
    """`drawn_counts` of a new generator: the tables of a report draw the same again and again."""
    counts = drawn_counts(np.random.default_rng(seed), n)
    counts.flags.writeable = False
    return counts


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
    return _interval(mean, n, error, n - 1, means, variances / n, level)


def difference_interval(
    a: Array, b: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """mean(a) - mean(b) of independent units, each `(units,)`, with the ends of `mean_interval`.

    For plain random search, where nothing is paired. Student's t has Welch's degrees of freedom.
    `units` is the smaller of both counts.
    """
    a, b = (x[np.isfinite(x)].astype(np.float64) for x in (a, b))
    n = min(len(a), len(b))
    mean = float(a.mean() - b.mean()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    of_each = _standard_error(a), _standard_error(b)
    error = float(np.hypot(*of_each))
    if error <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Interval(mean, mean, mean, n)
    (means_a, of_a), (means_b, of_b) = (
        moments((x - x.mean()) / error, drawn_counts(generator, len(x))) for x in (a, b)
    )
    squares = of_a / len(a) + of_b / len(b)
    shares = ((one / error) ** 4 / (len(x) - 1) for one, x in zip(of_each, (a, b), strict=True))
    return _interval(mean, n, error, 1 / sum(shares), means_a - means_b, squares, level)


def _standard_error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _interval(
    mean: float,
    units: int,
    error: float,
    freedom: float,
    away: Array,
    squares: Array,
    level: float,
) -> Interval:
    """The interval from resampled means: their distances `away` from the mean and their squared
    standard errors, both in units of `error`, which has `freedom` degrees of freedom."""
    # A resample of equal units has no spread: its t* is infinite.
    t = np.copysign(np.inf, away)
    np.divide(away, np.sqrt(squares.clip(0)), out=t, where=squares > ROUNDING)
    tail = (1 - level) / 2
    upper, lower = np.quantile(t, [1 - tail, tail], method="inverted_cdf")
    upper, lower = farther(upper, lower, -t_quantile(tail, freedom))
    return Interval(mean, float(mean - upper * error), float(mean - lower * error), units)


def farther(upper: Array, lower: Array, student: Array) -> tuple[Array, Array]:
    """Outer quantiles of t that lie no nearer than `student`, which replaces infinite ones."""
    tied = np.isinf(upper) | np.isinf(lower)
    return (
        np.where(tied, student, np.maximum(upper, student)),
        np.where(tied, -student, np.minimum(lower, -student)),
    )
