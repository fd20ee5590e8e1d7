"""What the names of part files say: their numbers, and which of them another one replaces.

`part-000007.parquet` is the part numbered 7; `part-000000to000041.parquet` holds the rows of the
parts numbered 0 to 41, in their order. In object stores a sign of the content follows, after a
dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NAME = re.compile(r"part-(\d+)(?:to(\d+))?(?:-\w+)?\.\w+")


class Span(NamedTuple):
    """The first and the last number of a part file."""

    first: int
    last: int

    def holds(self, other: Span) -> bool:
        return self.first <= other.first and other.last <= self.last

    def meets(self, other: Span) -> bool:
        return self.first <= other.last and other.first <= self.last


def span(name: str) -> Span | None:
    """The numbers in the name of a part file; None for any other name."""
    named = _NAME.fullmatch(name)
    return None if named is None else Span(int(named[1]), int(named[2] or named[1]))


def whole_span(names: Sequence[str]) -> Span:
    """The numbers of some part files together."""
    spans = [numbers for numbers in map(span, names) if numbers is not None]
    return Span(min(s.first for s in spans), max(s.last for s in spans))


def replacing(names: Iterable[str]) -> list[str]:
    """The names of parts that replace others."""
    return [name for name in names if (named := _NAME.fullmatch(name)) and named[2]]


def current(names: Sequence[str]) -> list[str]:
    """The names without those that another one replaces.

    Where two replace the same parts, as two writers in an object store can, the first by name
    counts.
    """
    newer = {name: span(name) for name in replacing(names)}
    return [name for name in names if not any(_replaces(by, name, newer) for by in newer)]


def _replaces(by: str, name: str, newer: dict[str, Span | None]) -> bool:
    mine, numbers = newer[by], span(name)
    if by == name or mine is None or numbers is None or not mine.holds(numbers):
        return False
    return mine != numbers or name not in newer or by < name


def name_for(names: Sequence[str], sign: str = "") -> str:
    """The name of the part that replaces these, of the same kind."""
    first, last = whole_span(names)
    kind = names[0].rpartition(".")[2]
    return f"part-{first:06d}to{last:06d}{sign and f'-{sign}'}.{kind}"


def numbered(names: Iterable[str]) -> int:
    """The number after the largest in these names."""
    return max((numbers.last for numbers in map(span, names) if numbers), default=-1) + 1
