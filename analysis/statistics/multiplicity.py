"""Many statements at once: Holm's p-values for a family, bands for a whole curve."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL, farther
from caviar.analysis.statistics.largest_t import largest_t
from caviar.analysis.statistics.resampling import studentised, whole_units

Array = NDArray[Any]


def holm(p_values: Array) -> Array:
    """The adjusted p-values of a family, `(tests,)`, in the order given (Holm 1979).

    Rejecting where the adjusted p is at most alpha errs anywhere in the family with probability
    at most alpha, however the tests depend on each other. A test without a p-value (NaN) keeps
    none and does not count.

    Raises ValueError for a p-value outside 0 to 1.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    if ((p_values < 0) | (p_values > 1)).any():
        raise ValueError(f"a p-value lies between 0 and 1; got {p_values.tolist()}")
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raised = p_values[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[order] = np.maximum.accumulate(raised).clip(max=1)
    return adjusted


class Bands(NamedTuple):
    """Means of columns with bands that hold for all of them together."""

    mean: Array
    low: Array
    high: Array
    units: int
    left_out: int


def simultaneous_bands(
    values: Array, generator: np.random.Generator, *, level: float = LEVEL
) -> Bands:
    """Mean of every column of `values`, `(..., units, columns)`, with simultaneous bands.

    The whole curve of true means lies inside with probability `level`: the largest and the
    smallest t* over the columns of each resample of units take the place of one column's
    (max-t; Romano & Wolf 2005), and each end is the farther of that and of the `largest_t` of
    normal columns, so that one column has the ends of `mean_interval`. Columns are
    contrasts of the same units; leave out that of the reference, which is zero. Units with a
    value that is not finite are left out and counted; fewer than five have no bands. Samples
    along the axes before the units share their resamples and must be finite.
    """
    values, left_out = whole_units(values)
    n = values.shape[-2]
    none = np.full(values.shape[:-2] + values.shape[-1:], np.nan)
    if n < FEWEST:
        return Bands(values.mean(axis=-2) if n else none, none, none, n, left_out)
    mean = values.mean(axis=-2)
    error, t = studentised(values, generator)
    tail = (1 - level) / 2
    upper = np.quantile(t.max(axis=-1), 1 - tail, axis=-1, method="inverted_cdf")
    lower = np.quantile(t.min(axis=-1), tail, axis=-1, method="inverted_cdf")
    upper, lower = farther(upper, lower, largest_t(values, generator, tail))
    return Bands(
        mean, mean - upper[..., None] * error, mean - lower[..., None] * error, n, left_out
    )
