"""Units resampled whole, so that whatever a unit's columns share stays shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.inference import RESAMPLES, ROUNDING

Array = NDArray[Any]


def whole_units(values: Array) -> tuple[Array, int]:
    """The units of `values`, `(units, columns)`, that are finite in every column, as float64.

    With them, how many units were left out.
    """
    whole = np.isfinite(values).all(axis=1)
    return values[whole].astype(np.float64), int((~whole).sum())


def studentised(values: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Standard errors `(columns,)` of the means, and t* `(RESAMPLES, columns)` of resampled ones.

    t* = (mean* - mean) / se*. All columns of a resample hold the same units, so the maximum of a
    row is that of means measured together (Efron & Tibshirani 1993, section 12.5). A column whose
    units are all equal has standard error 0 and t* = 0. Needs finite values of two units or more.
    """
    n = len(values)
    away = values - values.mean(axis=0)
    spread = away.std(axis=0, ddof=1)
    spread[spread <= ROUNDING * np.abs(values).max(axis=0)] = 0
    scaled = np.divide(away, spread, out=np.zeros_like(away), where=spread > 0)
    # How often each unit is drawn says as much as the drawn units, and two matrix products do.
    counts = generator.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(np.float64)
    means = counts @ scaled / n
    variances = (counts @ scaled**2 / n - means**2) * n / (n - 1)
    # A resample of equal units has no spread: it says nothing of how far the mean may lie.
    t = np.where(means == 0, 0.0, np.copysign(np.inf, means))
    np.divide(means * np.sqrt(n), np.sqrt(variances.clip(0)), out=t, where=variances > ROUNDING)
    return spread / np.sqrt(n), t
