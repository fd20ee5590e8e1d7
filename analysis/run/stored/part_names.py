"""Which part files of a table count: a merged one replaces those that it was made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = re.compile(r"part-(\d+)(?:to(\d+))?(?:-\w+)?\.parquet")


def replacing(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The merged parts, `part-000000to000041.parquet`, with the numbers that each stands for."""
    named = ((name, _NAME.fullmatch(name)) for name in names)
    return {name: (int(m[1]), int(m[2])) for name, m in named if m and m[2]}


def current(names: Sequence[str]) -> list[str]:
    """The names without those that another one replaces: for an instant both may be there."""
    merged = replacing(names)
    return [name for name in names if not any(_replaces(by, name, merged) for by in merged)]


def _replaces(by: str, name: str, merged: dict[str, tuple[int, int]]) -> bool:
    match = _NAME.fullmatch(name)
    if match is None or by == name:
        return False
    (first, last), numbers = merged[by], (int(match[1]), int(match[2] or match[1]))
    if not (first <= numbers[0] and numbers[1] <= last):
        return False
    # Two writers in an object store may both have merged the same parts.
    return numbers != (first, last) or name not in merged or by < name
