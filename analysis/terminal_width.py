"""How wide text is in a terminal, where Chinese, Japanese, Korean and emoji take two columns."""

from __future__ import annotations

import textwrap
import unicodedata

SECOND_HALF = "\0"
"""Stands for the second column of a wide character while lines are wrapped."""


def columns(text: str) -> int:
    """The terminal columns that a text takes: two for a wide character, none for an accent that is
    combined with the letter before it.

    >>> columns("m = 4"), columns("批次"), columns("e\\u0301")
    (5, 4, 1)
    """
    return sum(map(_columns_of, text)) if not text.isascii() else len(text)


def padded(text: str, width: int) -> str:
    """The text with spaces after it, up to so many columns."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int, *, break_on_hyphens: bool = True) -> list[str]:
    """The text in lines of at most `width` columns, broken between words where that is possible."""
    spread = "".join(c + SECOND_HALF * (_columns_of(c) == 2) for c in text)
    # Of a word that is broken within a wide character, one column too many would stay in a line.
    room = width - 1 if SECOND_HALF in spread else width
    lines = textwrap.wrap(spread, room, break_on_hyphens=break_on_hyphens)
    return [line.replace(SECOND_HALF, "") for line in lines]


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
