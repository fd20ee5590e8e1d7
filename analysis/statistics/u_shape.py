"""Whether a curve first falls and then rises: two opposite slopes about its lowest level."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.resampling import whole_units
from caviar.analysis.statistics.sign_flip import family_above
from caviar.analysis.statistics.trends import slopes

Array = NDArray[Any]


class UShape(NamedTuple):
    """The level with the lowest mean, the mean slopes on either side, and their p-values.

    `left` and `right` are in units of the values per doubling of the level; NaN, with p-values of
    1, where the lowest is the first or last level: such a curve shows no U.
    """

    level: float
    left: float
    right: float
    p_left: float
    p_right: float
    p_value: float
    units: int
    left_out: int


def u_shape(values: Array, levels: Array, generator: np.random.Generator) -> UShape:
    """Test that the mean of `values`, `(units, levels)`, falls and then rises with log2 level.

    Two lines meet at the lowest mean, each a slope per unit (Simonsohn 2018). A U needs both, so
    its p-value is the larger of the two one-sided ones (intersection-union). The lowest level is
    found in the same values, which alone makes the lines turn up: each side's p is therefore
    that of the steepest line that any inner level would have given (sign flips, max-t), without
    which a curve that falls and stays flat passes for a U in more than 5 % of studies. `levels`,
    `(levels,)`, rises. Units with a value that is not finite are left out and counted.
    """
    values, left_out = whole_units(values)
    n, k = values.shape
    if n == 0:
        nan = float("nan")
        return UShape(nan, nan, nan, nan, nan, nan, 0, left_out)
    best = int(values.mean(axis=0).argmin())
    lowest = float(levels[best])
    if best in (0, k - 1):
        return UShape(lowest, float("nan"), float("nan"), 1.0, 1.0, 1.0, n, left_out)
    left, right = _lines(values, levels)
    p_left, p_right = (float(p[best - 1]) for p in _p_values(left, right, generator))
    means = float(left[:, best - 1].mean()), float(right[:, best - 1].mean())
    return UShape(lowest, *means, p_left, p_right, max(p_left, p_right), n, left_out)


def p_of_u(values: Array, levels: Array, generator: np.random.Generator) -> Array:
    """The p-value of `u_shape`, `(...)`, for many samples at once, `(..., units, levels)`.

    Random flips are shared by the samples. Needs finite values, and three levels or more.
    """
    best = values.mean(axis=-2).argmin(axis=-1)
    p_values = np.maximum(*_p_values(*_lines(values, levels), generator))
    inside = (best > 0) & (best < len(levels) - 1)
    inner = np.where(inside, best - 1, 0)[..., np.newaxis]
    chosen = np.take_along_axis(p_values, inner, axis=-1)[..., 0]
    return np.where(inside, chosen, 1.0)


def _lines(values: Array, levels: Array) -> tuple[Array, Array]:
    """Slopes left and right of every inner level, `(..., units, inner)` each."""
    inner = range(1, len(levels) - 1)
    left = np.stack([slopes(values[..., : b + 1], levels[: b + 1]) for b in inner], axis=-1)
    right = np.stack([slopes(values[..., b:], levels[b:]) for b in inner], axis=-1)
    return left, right


def _p_values(left: Array, right: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """p-values that the lines fall to, and rise from, each inner level, `(..., inner)` each."""
    return family_above(-left, generator), family_above(right, generator)
