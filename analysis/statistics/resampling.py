"""Units resampled whole, so that whatever a unit's columns share stays shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RESAMPLES = 4000
ROUNDING = 1e-12
"""Units that differ by less than this share of their size are equal."""


def drawn_counts(generator: np.random.Generator, units: int) -> Array:
    """How often each resample holds each unit, `(RESAMPLES, units)`, drawn unit by unit."""
    drawn = generator.integers(0, units, (RESAMPLES, units))
    drawn += units * np.arange(RESAMPLES)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=drawn.size)
    return counts.reshape(drawn.shape).astype(np.float64)


def moments(values: Array, counts: Array) -> tuple[Array, Array]:
    """Mean and variance of every resample of `values`, `(units,)` or `(..., units, columns)`.

    The counts carry the same information as the drawn units, and two matrix products suffice.
    `values` must lie around zero, or their variances are lost to rounding.
    """
    n = counts.shape[1]
    means = counts @ values / n
    return means, (counts @ values**2 / n - means**2) * n / (n - 1)


def whole_units(values: Array) -> tuple[Array, int]:
    """The units of `values`, `(units, columns)`, that are finite in every column, as float64.

    Also returns how many units were left out. From many samples at once, `(..., units, columns)`,
    no unit can be left out: raises ValueError where one of them is not finite.
    """
    whole = np.isfinite(values).all(axis=-1)
    if values.ndim > 2:
        if not whole.all():
            raise ValueError(
                "several samples at once need finite values; pass one with missing values alone"
            )
        return values.astype(np.float64), 0
    return values[whole].astype(np.float64), int((~whole).sum())


def studentised(
    values: Array, generator: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[Array, Array]:
    """Standard errors `(..., columns)` of the means of `values`, `(..., units, columns)`, and t*
    `(..., resamples, columns)` of resampled ones.

    t* = (mean* - mean) / se*. All columns of a resample hold the same units, so the maximum of a
    row is that of means measured together (Efron & Tibshirani 1993, section 12.5). A column whose
    units are all equal has standard error 0 and t* = 0. Needs finite values of two units or more.
    Samples along the axes before the units share their resamples.
    """
    n = values.shape[-2]
    away = values - values.mean(axis=-2, keepdims=True)
    spread = away.std(axis=-2, ddof=1)
    spread[spread <= ROUNDING * np.abs(values).max(axis=-2)] = 0
    scale = spread[..., np.newaxis, :]
    scaled = np.divide(away, scale, out=np.zeros_like(away), where=scale > 0)
    counts = generator.multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)
    means, variances = moments(scaled, counts)
    # A resample of equal units has no spread: it does not tell how far away the mean may lie.
    t = np.where(means == 0, 0.0, np.copysign(np.inf, means))
    np.divide(means * np.sqrt(n), np.sqrt(variances.clip(0)), out=t, where=variances > ROUNDING)
    return spread / np.sqrt(n), t
