"""Intervals that are looked at again and again while seeds are added, valid at every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

ERROR = 0.05
"""How often the interval at which a run stops may miss the truth, whatever the law of its seeds."""

SHARED, ENOUGH = 0.035, 48
"""The errors of all looks add up to `SHARED`, in proportion less if fewer than `ENOUGH` seeds are
the most. The rest is left to what resamples of few seeds cannot know of a long tail: so the error
stays below 5 % for lognormal values too (docs/inference.md)."""

POWER = 3
"""Looks spend by this power of the share of seeds, so that few seeds get little of the error."""

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


def shared(most: int) -> float:
    """What the errors of all looks add up to."""
    return SHARED * min(1.0, most / ENOUGH)


def spent(share: float, error: float) -> float:
    """The error that may be spent once a `share` of all units is there.

    The power family of Kim & DeMets (1987, Biometrika 74, 149), error × share³.
    """
    return float(error * share**POWER)


def errors_of_looks(counts: Sequence[int], most: int) -> list[float]:
    """The error of the interval at each look: what is spent there and was not before.

    They add up to `shared(most)`, whatever the dependence of the looks (Bonferroni's inequality),
    and so does the error of the one at which a rule stops, whatever the rule looks at.
    """
    shares = [spent(count / most, shared(most)) for count in counts]
    return [now - before for before, now in zip([0.0, *shares], shares, strict=False)]


class Schedule(NamedTuple):
    """Numbers of seeds at which is looked, with the error of the interval at each."""

    counts: tuple[int, ...]
    errors: tuple[float, ...]

    @classmethod
    def of(cls, first: int, most: int) -> Self:
        counts = counts_of_looks(first, most)
        return cls(tuple(counts), tuple(errors_of_looks(counts, most)))
