"""Quantities that choose: the best of several, with an interval that pays for the choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.statistics.intervals import FEWEST, LEVEL, Interval
from caviar.analysis.statistics.largest_t import largest_t, standard_errors

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Choice:
    """A quantity that takes the best of several options, and so depends on which one that is.

    `values`, `(units, lows, highs)`, holds the quantity for every pair of options. It is the
    smallest over `lows` of the largest over `highs` of the true means: the best of A less the
    best of B, both with the lowest loss, has A's options along `lows` and B's along `highs`.

    Sums and differences with numbers per unit, `(units,)`, and with other choices are choices, and
    so are multiples.
    """

    values: Array

    __array_ufunc__ = None
    """NumPy leaves `array - choice` to this class."""

    def __neg__(self) -> Choice:
        return Choice(-self.values.swapaxes(1, 2))

    def __add__(self, other: Choice | Array) -> Choice:
        term = other.values if isinstance(other, Choice) else other[:, np.newaxis, np.newaxis]
        pairs = self.values[:, :, np.newaxis, :, np.newaxis] + term[:, np.newaxis, :, np.newaxis, :]
        n, *(a, b, c, d) = pairs.shape
        return Choice(pairs.reshape(n, a * b, c * d))

    __radd__ = __add__

    def __sub__(self, other: Choice | Array) -> Choice:
        return self + -other

    def __rsub__(self, other: Array) -> Choice:
        return -self + other

    def __mul__(self, factor: float) -> Choice:
        return Choice(factor * self.values) if factor >= 0 else -self * -factor

    __rmul__ = __mul__


def lowest_of(options: Array) -> Choice:
    """The option with the lowest true mean of `options`, `(units, options)`.

    An option that is missing or diverged in more units than another cannot be the best.
    """
    held = np.isfinite(options).sum(axis=0)
    return Choice(options[:, held == held.max()][:, :, np.newaxis])


def choice_interval(
    choice: Choice, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """A choice at the options that are best in the sample, with an interval for the truth.

    The ends are those of `choice_bounds`. Units with a value that is not finite are left out and
    not counted; fewer than five have no interval.
    """
    whole = np.isfinite(choice.values).all(axis=(1, 2))
    values = choice.values[whole].astype(np.float64)
    n = len(values)
    mean = float(values.mean(axis=0).max(axis=1).min()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    low, high = choice_bounds(values, generator, level)
    return Interval(mean, float(low), float(high), n)


def choice_bounds(
    values: Array, generator: np.random.Generator, level: float
) -> tuple[Array, Array]:
    """Ends, `(...)` each, that the true min-max of `(..., units, lows, highs)` rarely passes.

    Each end is passed with probability (1 - `level`) / 2 at most, whichever options are truly the
    best and however many tie. For one of the lows, the largest over the highs lies above the
    largest of their lower bounds, which hold together by the `largest_t` of the highs. Which low
    is the true one is not known: the smallest of these bounds holds for all of them, without
    paying for their number (intersection-union; Berger 1982). The upper end is the mirror image.
    """
    tail = (1 - level) / 2
    state = generator.bit_generator.state
    low = _lower(values, generator, tail)
    # Equal draws for both ends: the interval of minus a quantity is its mirror image.
    generator.bit_generator.state = state
    return low, -_lower(-values.swapaxes(-1, -2), generator, tail)


def _lower(values: Array, generator: np.random.Generator, tail: float) -> Array:
    by_low = np.moveaxis(values, -2, 0)
    bounds = by_low.mean(axis=-2) - _reach(by_low, generator, tail)
    return np.asarray(bounds.max(axis=-1).min(axis=0))


def chosen_interval(
    options: Array, chosen: int, generator: np.random.Generator, *, level: float = LEVEL
) -> Interval:
    """The mean of one of `options`, `(units, options)`, however it was chosen among them.

    For a quantity that is read at the option where another quantity of the same units is lowest:
    each end holds for all options together with probability (1 + `level`) / 2, by their
    `largest_t`, and so for the chosen one. Options and units with missing values are left out as
    in `lowest_of` and `choice_interval`, but never the chosen option.
    """
    held = np.isfinite(options).sum(axis=0)
    kept = held >= held[chosen]
    values = options[:, kept]
    values = values[np.isfinite(values).all(axis=1)].astype(np.float64)
    column, n = int(kept[:chosen].sum()), len(values)
    mean = float(values[:, column].mean()) if n else float("nan")
    if n < FEWEST:
        return Interval(mean, float("nan"), float("nan"), n)
    reach = float(_reach(values, generator, (1 - level) / 2)[column])
    return Interval(mean, mean - reach, mean + reach, n)


def _reach(columns: Array, generator: np.random.Generator, tail: float) -> Array:
    """How far the means of all columns together may lie from the truth on one side."""
    t = largest_t(columns, generator, tail)
    return np.asarray(t[..., np.newaxis] * standard_errors(columns))
