"""The design point of each trial of a study, without building any of the trials."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from caviar.runner.study.distributions import Distribution, Value
from caviar.runner.study.sampling import points
from caviar.runner.study.study import Study
from caviar.runner.study.study_file import space_of

GOLDEN = 11_400_714_819_323_198_485
"""The golden ratio less one, in units of 2^-64: its multiples spread evenly over [0, 1)."""


class Position(NamedTuple):
    """The design point of one trial: the arm and fields of its level, the number and fields of
    its draw."""

    arm: str
    level: dict[str, Any]
    draw: int
    point: dict[str, Value]


@dataclass(frozen=True)
class Layout:
    """The levels of a study at `draws` points: draw by draw, all levels of a draw together.

    Levels are numbered in the order of crossing: the last field varies fastest, and arms faster
    still. They are computed one by one; only their number is known in advance.
    """

    study: Study
    draws: int

    @cached_property
    def levels(self) -> int:
        return math.prod(map(len, self.study.scientific.values())) * len(self._arms)

    @cached_property
    def most(self) -> int:
        """The largest possible number of trials. There are fewer where a discrete range repeats its
        points, and an arm that fixes a crossed field is one trial, not one per level."""
        return self.levels * min(self.draws, _distinct(self._space) or self.draws)

    def __iter__(self) -> Iterator[Position]:
        """Every position, without points that were drawn before."""
        for number, point in self._points():
            for index in range(self.levels):
                yield Position(*self._level(index), number, point)

    def spread(self, count: int) -> Iterator[Position]:
        """About `count` positions: all levels at the first draws if the levels are that few.
        Otherwise each value of each crossed field, beside the first values of the others, and
        levels spread over all of them.
        """
        if self.levels <= count:
            draws = itertools.islice(self._points(), count // self.levels)
            for number, point in draws:
                for index in range(self.levels):
                    yield Position(*self._level(index), number, point)
            return
        drawn = list(itertools.islice(self._points(), count))
        for turn, index in enumerate(self._spread_levels(count)):
            number, point = drawn[turn % len(drawn)]
            yield Position(*self._level(index), number, point)

    def _spread_levels(self, count: int) -> list[int]:
        """Level numbers: one field at a time (half of them at most), then by the golden ratio."""
        single, stride = list(range(len(self._arms))), len(self._arms)
        for values in reversed(self.study.scientific.values()):
            single += [stride * place for place in range(1, len(values))]
            stride *= len(values)
        thinned = single[:: -(-2 * len(single) // count)]
        shares = (k * GOLDEN % 2**64 for k in range(1, count - len(thinned) + 1))
        rest = (share * self.levels >> 64 for share in shares)
        return [*thinned, *rest]

    def _level(self, index: int) -> tuple[str, dict[str, Any]]:
        index, number = divmod(index, len(self._arms))
        arm, settings = self._arms[number]
        level: dict[str, Any] = {}
        for field, values in reversed(self.study.scientific.items()):
            index, number = divmod(index, len(values))
            level[field] = values[number]
        return arm, dict(reversed(level.items())) | settings

    def _points(self) -> Iterator[tuple[int, dict[str, Value]]]:
        """The points with their numbers; each point of a discrete space once."""
        drawn = points(self._space, self.study.draws.sampler, self.study.seed)
        numbered = enumerate(itertools.islice(drawn, self.draws))
        distinct = _distinct(self._space)
        if distinct is None:
            yield from numbered
            return
        drawn_before: set[str] = set()
        for number, point in numbered:
            key = repr(point)
            if key not in drawn_before:
                drawn_before.add(key)
                yield number, point
            if len(drawn_before) == distinct:
                return

    @cached_property
    def _arms(self) -> list[tuple[str, dict[str, Any]]]:
        return list((self.study.arms or {"": {}}).items())

    @cached_property
    def _space(self) -> dict[str, Distribution]:
        return space_of(self.study)


def _distinct(space: dict[str, Distribution]) -> int | None:
    """The number of points in a space; None if one of its fields is continuous."""
    counts = [distribution.distinct for distribution in space.values()]
    known = [count for count in counts if count is not None]
    return math.prod(known) if len(known) == len(counts) else None
