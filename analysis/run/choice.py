"""Quantities that speak of the best of several options, chosen on other seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Choice:
    """A quantity that depends on which options are the best, one of `lows` and one of `highs`.

    `values`, `(seeds, lows, highs)`, holds it for every pair of options: the best of A less the
    best of B has A's options along `lows` and B's along `highs`. `chosen` is the pair that other
    seeds chose. They may have missed the truly best, so the quantity lies above a bound only where
    it does for every low (with the chosen high), and below one only where it does for every high
    (with the chosen low): the truly best is among them, and nothing is paid for their number
    (intersection-union; Berger 1982).
    """

    values: Array
    chosen: tuple[int, int]

    __array_ufunc__ = None
    """NumPy leaves `array - choice` to this class."""

    @property
    def at_chosen(self) -> Array:
        """The quantity at the chosen options, `(seeds,)`."""
        at_chosen: Array = self.values[:, self.chosen[0], self.chosen[1]]
        return at_chosen

    @property
    def from_below(self) -> list[Array]:
        """What must all lie above a bound, `(seeds,)` each."""
        return list(self.values[:, :, self.chosen[1]].T)

    @property
    def from_above(self) -> list[Array]:
        """What must all lie below a bound, `(seeds,)` each."""
        return list(self.values[:, self.chosen[0], :].T)

    def __neg__(self) -> Choice:
        return Choice(-self.values.swapaxes(1, 2), self.chosen[::-1])

    def __add__(self, other: Choice | Array) -> Choice:
        if not isinstance(other, Choice):
            return Choice(self.values + other[:, np.newaxis, np.newaxis], self.chosen)
        pairs = self.values[:, :, None, :, None] + other.values[:, None, :, None, :]
        n, a, b, c, d = pairs.shape
        (low, high), (other_low, other_high) = self.chosen, other.chosen
        chosen = low * b + other_low, high * d + other_high
        return Choice(pairs.reshape(n, a * b, c * d), chosen)

    __radd__ = __add__

    def __sub__(self, other: Choice | Array) -> Choice:
        return self + -other

    def __rsub__(self, other: Array) -> Choice:
        return -self + other

    def __mul__(self, factor: float) -> Choice:
        return Choice(factor * self.values, self.chosen) if factor >= 0 else -self * -factor

    __rmul__ = __mul__


def lowest_of(options: Array, chosen: int) -> Choice:
    """The lowest of `options`, `(seeds, options)`, of which other seeds chose one.

    Another option that is missing or diverged at some seed is not the best.
    """
    kept: Array = np.asarray(np.isfinite(options).all(axis=0))
    kept[chosen] = True
    return Choice(options[:, kept, np.newaxis], (int(kept[:chosen].sum()), 0))
