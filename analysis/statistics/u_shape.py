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

    `left` and `right` are in units of the values a doubling of the level; NaN, with p-values of
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
    at = float(levels[best])
    if best in (0, k - 1):
        return UShape(at, float("nan"), float("nan"), 1.0, 1.0, 1.0, n, left_out)
    inner = range(1, k - 1)
    left = np.stack([slopes(values[:, : b + 1], levels[: b + 1]) for b in inner], axis=1)
    right = np.stack([slopes(values[:, b:], levels[b:]) for b in inner], axis=1)
    p_left, p_right = (float(family_above(side, generator)[best - 1]) for side in (-left, right))
    means = float(left[:, best - 1].mean()), float(right[:, best - 1].mean())
    return UShape(at, *means, p_left, p_right, max(p_left, p_right), n, left_out)
