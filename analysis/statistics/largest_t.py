"""The largest t of several columns measured on the same units, and what it may reach by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from caviar.analysis.statistics.intervals import t_quantile
from caviar.analysis.statistics.resampling import RESAMPLES, ROUNDING

Array = NDArray[Any]


def largest_t(columns: Array, generator: np.random.Generator, tail: float) -> Array:
    """What the largest t of all columns exceeds with probability `tail`, `(...)`.

    For normal units whose columns, `(..., units, columns)`, have true means of zero and are
    correlated as in the sample: means and covariances are drawn from that law, each t with its own
    standard error (a parametric bootstrap of max-t; Westfall & Young 1993). By symmetry the
    smallest t falls below minus this value as often. Always finite, also at five units and where
    units tie; a single column has Student's t itself. A column of equal units does not count.
    Needs finite values of two units or more; samples along the first axes share their draws.
    """
    n, k = columns.shape[-2:]
    if k == 1:
        return np.full(columns.shape[:-2], -t_quantile(tail, n - 1))
    sides = _coordinates(columns)
    r = sides.shape[-2]
    means = generator.standard_normal((RESAMPLES, r)) @ sides
    halves = _wishart_halves(n - 1, r, generator).reshape(RESAMPLES * r, r) @ sides
    squares = (halves.reshape(*sides.shape[:-2], RESAMPLES, r, k) ** 2).sum(axis=-2) / (n - 1)
    t = np.divide(means, np.sqrt(squares), out=np.zeros_like(means), where=squares > 0)
    return np.asarray(np.quantile(t.max(axis=-1), 1 - tail, axis=-1, method="inverted_cdf"))


def standard_errors(columns: Array) -> Array:
    """Standard error of the mean of every column of `(..., units, columns)`; 0 for equal units."""
    spread = columns.std(axis=-2, ddof=1)
    spread[spread <= ROUNDING * np.abs(columns).max(axis=-2)] = 0
    return np.asarray(spread / np.sqrt(columns.shape[-2]))


def _coordinates(columns: Array) -> Array:
    """Vectors `(..., r, columns)` whose products are the correlations of the columns.

    `r` is the smaller of columns and units less one, the most dimensions that columns about their
    means can have. Zero for a column of equal units.
    """
    n, k = columns.shape[-2:]
    about_mean = linalg.helmert(n) @ columns
    length = np.sqrt((about_mean**2).sum(axis=-2, keepdims=True))
    moves = standard_errors(columns)[..., np.newaxis, :] > 0
    unit = np.divide(about_mean, length, out=np.zeros_like(about_mean), where=moves)
    return np.asarray(np.linalg.qr(unit, mode="r")) if k < n - 1 else unit


def _wishart_halves(freedom: int, r: int, generator: np.random.Generator) -> Array:
    """Matrices U, `(RESAMPLES, r, r)`, for which U'U is a Wishart matrix (Bartlett 1933)."""
    lower = np.tril(generator.standard_normal((RESAMPLES, r, r)), -1)
    diagonal = np.arange(r)
    lower[:, diagonal, diagonal] = np.sqrt(generator.chisquare(freedom - diagonal, (RESAMPLES, r)))
    return lower.transpose(0, 2, 1)
