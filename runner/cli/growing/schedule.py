"""Intervals that are looked at again and again while seeds are added, valid at every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

ERROR = 0.05
"""How often any of all looks may miss the truth."""

RATIO = 1.5
"""Each look has so many times the seeds of the look before."""

LAST = 1.15
"""A look at less than `most` by no more than this factor would hardly differ from the last one."""


def counts_of_looks(first: int, most: int) -> list[int]:
    """The numbers of units at which is looked, from `first` to `most`.

    >>> counts_of_looks(8, 64)
    [8, 12, 18, 27, 41, 64]
    """
    counts = [min(first, most)]
    while counts[-1] < most:
        following = math.ceil(RATIO * counts[-1])
        counts.append(most if following * LAST >= most else following)
    return counts


def spent(share: float, error: float = ERROR) -> float:
    """The error that may be spent once a `share` of all units is there: about evenly over time.

    Pocock's rate, error × ln(1 + (e - 1) share), of Lan & DeMets (1983, Biometrika 70, 659).
    """
    return error * math.log1p((math.e - 1) * share)


def errors_of_looks(counts: Sequence[int], most: int, error: float = ERROR) -> list[float]:
    """The error of the interval at each look: what is spent there and was not before.

    They add up to `error`, so that all intervals hold together with 1 - `error` whatever their
    dependence (Bonferroni's inequality), and with them the one at which a rule stops, whatever
    the rule looks at.
    """
    shares = [spent(count / most, error) for count in counts]
    return [now - before for before, now in zip([0.0, *shares], shares, strict=False)]


class Schedule(NamedTuple):
    """Numbers of seeds at which is looked, with the error of the interval at each."""

    counts: tuple[int, ...]
    errors: tuple[float, ...]

    @classmethod
    def of(cls, first: int, most: int) -> Self:
        counts = counts_of_looks(first, most)
        return cls(tuple(counts), tuple(errors_of_looks(counts, most)))
