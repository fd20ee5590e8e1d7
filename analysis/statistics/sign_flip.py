"""Sign flips: if nothing differs, each unit's paired difference is as likely to be reversed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EXACT_BELOW = 14
"""Below this many units every one of the 2^units flips is tried."""

FLIPS = 9999
"""Random flips tried otherwise, beside the signs as they are."""

TIE = 1e-12
"""Sums of unit vectors that differ by less are equal but for rounding."""


class SignFlip(NamedTuple):
    """A mean difference and its p-values: two-sided, against above zero, against below zero."""

    mean: float
    p_value: float
    p_above: float
    p_below: float
    units: int
    left_out: int
    exact: bool


def sign_flip(differences: Array, generator: np.random.Generator) -> SignFlip:
    """Sign-flip test of paired `differences`, `(units,)`, against symmetry about zero.

    p is the share of sign patterns whose mean is at least as extreme as the observed one. The
    observed pattern counts too, which keeps p above zero and the level for random flips as well
    (Phipson & Smyth 2010). `exact` below 14 units, when the generator is not used. n units cannot
    give a two-sided p under 2^(1 - n). Values that are not finite are left out and counted.
    SciPy's `permutation_test` recognises ties only within rounding of the observed mean, and so
    misses ties of accuracies when that mean is small compared with its terms.
    """
    finite = np.isfinite(differences)
    kept = differences[finite].astype(np.float64)
    n, left_out = len(kept), int((~finite).sum())
    if n == 0:
        nan = float("nan")
        return SignFlip(nan, nan, nan, nan, 0, left_out, True)
    sums = _flipped(kept[:, None], generator)[:, 0]
    above, below, two_sided = (float((s >= s[0] - TIE).mean()) for s in (sums, -sums, np.abs(sums)))
    return SignFlip(float(kept.mean()), two_sided, above, below, n, left_out, n < EXACT_BELOW)


def family_two_sided(values: Array, generator: np.random.Generator) -> Array:
    """p-values, `(columns,)`, of every column mean against zero, adjusted for the family.

    The columns of a unit in `values`, `(units, columns)`, are flipped together. From the largest
    |t| down, each is compared with the largest over itself and the smaller ones (step-down max-t;
    Westfall & Young 1993, algorithm 2.8), and no p is below that of a larger one. Any error in
    the family has probability alpha at most, if columns that do not differ are jointly symmetric
    about zero; n units that all agree reach 2^(1 - n) whatever the number of columns, where Holm's
    p cannot fall below that times the number. A value that is missing takes no part in its column;
    NaN for a column without any.
    """
    finite = np.isfinite(values)
    sums = np.abs(_flipped(np.where(finite, values, 0.0).astype(np.float64), generator))
    order = np.argsort(-sums[0], kind="stable")
    order = order[np.asarray(finite.any(axis=0))[order]]
    # The largest over a column and all that come after it, under each pattern.
    largest = np.maximum.accumulate(sums[:, order[::-1]], axis=1)[:, ::-1]
    p_values = np.full(values.shape[1], np.nan)
    shares = (largest >= sums[0, order] - TIE).mean(axis=0)
    p_values[order] = np.maximum.accumulate(shares)
    return p_values


def units_to_reach(alpha: float) -> int:
    """The fewest units whose two-sided p, 2^(1 - n) where all agree, reaches `alpha`."""
    return 1 + math.ceil(-math.log2(alpha))


def family_above(values: Array, generator: np.random.Generator) -> Array:
    """p-values, `(..., columns)`, of every column mean against above zero, as a family.

    The columns of a unit in `values`, `(..., units, columns)`, are flipped together, and each
    column's t is compared with the largest of all columns: this pays for choosing the column
    after looking (max-t; Westfall & Young 1993, section 2.3). Needs finite values of one unit or
    more.
    """
    flipped = _flipped(values.astype(np.float64), generator)
    as_measured = flipped[..., :1, :] - TIE
    p_values: Array = (flipped.max(axis=-1, keepdims=True) >= as_measured).mean(axis=-2)
    return p_values


def _flipped(values: Array, generator: np.random.Generator) -> Array:
    """Column sums of unit vectors under each pattern of signs, `(..., flips, columns)`.

    The first pattern is the observed one. Flips do not change a column's length, so the sum
    divided by the length rises with the column's t.
    """
    length = np.sqrt((values**2).sum(axis=-2, keepdims=True))
    scaled = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    flipped: Array = _signs(values.shape[-2], generator) @ scaled
    return flipped


def _signs(units: int, generator: np.random.Generator) -> Array:
    """Patterns of +1 and -1, `(flips, units)`; the first is all +1."""
    if units < EXACT_BELOW:
        flips = np.arange(2**units)[:, None] >> np.arange(units) & 1
    else:
        flips = generator.integers(0, 2, (FLIPS + 1, units))
        flips[0] = 0
    signs: Array = 1.0 - 2.0 * flips
    return signs
