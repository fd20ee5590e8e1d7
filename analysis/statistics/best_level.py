"""The levels among which the best one lies, and whether they reach the edge of what was tried."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL
from caviar.analysis.statistics.resampling import ROUNDING, studentised, whole_units

Array = NDArray[Any]


class BestRange(NamedTuple):
    """The level with the lowest mean, and the confidence range of the truly lowest.

    `low_edge` and `high_edge` say that the range reaches the first or last level tried, so that
    the best may lie beyond it.
    """

    level: float
    low: float
    high: float
    low_edge: bool
    high_edge: bool
    units: int
    left_out: int


def best_range(
    values: Array, levels: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> BestRange:
    """Where the mean of `values`, `(units, levels)`, is lowest, with a confidence range.

    A level is ruled out when its mean significantly exceeds another's: the largest of its paired t
    against all others lies above the quantile of that maximum over resamples of units (a
    comparison with the best, Hsu 1984, by the bootstrap). The range runs from the first to the
    last level that is not. It covers the best level with probability `level` also where
    neighbours are as good as tied, where the percentiles of resampled minima cover too seldom.
    `levels`, `(levels,)`, rises. Units with a value that is not finite are left out and counted;
    with fewer than five no range is given, and the edges refer to the lowest mean alone.
    """
    values, left_out = whole_units(values)
    n, k = values.shape
    if n == 0:
        return BestRange(float("nan"), float("nan"), float("nan"), False, False, 0, left_out)
    best = int(values.mean(axis=0).argmin())
    if n < FEWEST or k < 2:
        end = float("nan") if n < FEWEST else float(levels[best])
        return BestRange(float(levels[best]), end, end, best == 0, best == k - 1, n, left_out)
    low, high = (int(end) for end in range_of_best(values, generator, level))
    ends = float(levels[low]), float(levels[high])
    return BestRange(float(levels[best]), *ends, low == 0, high == k - 1, n, left_out)


def range_of_best(
    values: Array, generator: np.random.Generator, level: float
) -> tuple[Array, Array]:
    """Positions, `(...)`, of the first and last level of `(..., units, levels)` not ruled out.

    This is `best_range` for many samples at once; they share their resamples. Needs finite
    values of five units or more, and two levels.
    """
    kept = ~_ruled_out(values, generator, level)
    return kept.argmax(axis=-1), kept.shape[-1] - 1 - kept[..., ::-1].argmax(axis=-1)


def _ruled_out(values: Array, generator: np.random.Generator, level: float) -> Array:
    """Levels significantly worse than some other, `(..., levels)` of bool; never the lowest."""
    k = values.shape[-1]
    this, other = np.triu_indices(k, 1)
    worse = values[..., this] - values[..., other]
    # Levels that tie but for rounding would have t* without bound, and spoil the maximum.
    worse[np.abs(worse) <= ROUNDING * np.abs(values).max(axis=(-2, -1), keepdims=True)] = 0
    error, resampled = studentised(worse, generator)
    mean = worse.mean(axis=-2)
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    t = np.divide(mean, error, out=certain, where=error > 0)
    t, largest = (_largest(one, this, other) for one in (t, resampled))
    threshold = np.quantile(largest, level, axis=-2, method="inverted_cdf")
    ruled_out: Array = (t > threshold) & (t > 0)
    return ruled_out


def _largest(t: Array, this: Array, other: Array) -> Array:
    """Each level's largest t against all others, `(..., levels)`, from those of pairs.

    `t`, `(..., pairs)`, holds each pair once: with its levels swapped, its t changes sign.
    """
    levels = range(int(other.max()) + 1)
    against = [
        np.concatenate([t[..., this == a], -t[..., other == a]], axis=-1).max(axis=-1)
        for a in levels
    ]
    return np.stack(against, axis=-1)
