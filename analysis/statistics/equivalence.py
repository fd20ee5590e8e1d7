"""Equivalence: whether a difference is significantly smaller than a margin named beforehand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.statistics.resampling import ROUNDING

Array = NDArray[Any]

ALPHA = 0.05


class Equivalence(NamedTuple):
    """A mean difference, its 1 - 2 alpha interval, and whether it lies within the margin."""

    mean: float
    low: float
    high: float
    p_value: float
    equivalent: bool
    margin: float
    units: int
    left_out: int


def equivalence(
    differences: Array,
    margin: float,
    generator: np.random.Generator,
    *,
    alpha: float = ALPHA,
    lattice: bool = False,
) -> Equivalence:
    """Two one-sided tests of paired `differences`, `(units,)`, against -margin and +margin.

    `p_value` is the larger p of the two paired t tests (Schuirmann 1987). `equivalent` requires
    the interval of level 1 - 2 alpha to lie inside the margin: no end of it is nearer than
    Student's, so that p is below `alpha`, and skewed differences mislead t alone. Without an
    interval (fewer than five units), or where so many units tie that resamples do not bound the
    mean, nothing is called equivalent; not equivalent never means different. Differences that are
    all equal are the same networks, unless they lie on a `lattice`, as accuracies do: there they
    are a tie like any other, and the seed that would differ is only not among them.
    `margin` is in units of the differences. Values that are not finite are left out and counted.

    Raises ValueError for a margin that is not positive and finite.
    """
    if not (np.isfinite(margin) and margin > 0):
        raise ValueError(f"the margin must be a positive number, named beforehand; got {margin}")
    interval = mean_interval(differences, generator, level=1 - 2 * alpha)
    finite = differences[np.isfinite(differences)]
    p_value = max(_p_below(finite - margin, margin), _p_below(-finite - margin, margin))
    inside = bool(-margin < interval.low and interval.high < margin)
    return Equivalence(
        interval.mean,
        interval.low,
        interval.high,
        p_value,
        inside and not _mostly_tied(finite, alpha, lattice),
        margin,
        interval.units,
        len(differences) - interval.units,
    )


def _mostly_tied(values: Array, alpha: float, lattice: bool) -> bool:
    """Whether more than a share `alpha` of resamples hold one value only, of several."""
    counts = np.unique(values, return_counts=True)[1]
    if len(counts) < 2 and not lattice:
        return False
    return bool(len(counts)) and bool((counts.max() / len(values)) ** len(values) > alpha)


def _p_below(values: Array, scale: float) -> float:
    """One-sided p of the t test that the mean of `values` is below zero; NaN below two units."""
    n = len(values)
    if n < 2:
        return float("nan")
    error = values.std(ddof=1) / np.sqrt(n)
    if error <= ROUNDING * max(scale, np.abs(values).max()):
        return float(values.mean() >= 0)
    return float(special.stdtr(n - 1, values.mean() / error))
