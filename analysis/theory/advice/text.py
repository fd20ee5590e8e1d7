"""Advice as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import inf

from caviar.analysis.theory.advice.action import Action
from caviar.analysis.theory.advise import Advice, Number
from caviar.analysis.theory.recommendations import NOTHING

WIDTH = 96

ROUNDING = 1e-9

FEW = 3
"""Actions that are shown without `--all`."""


def text(head: Sequence[str], advice: Advice, rule: str, everything: bool) -> str:
    """The answer for a terminal: what was asked, what to do, the numbers behind it, the rule.

    Without `everything`, the first actions and the numbers that decisions rest on.
    """
    actions = advice.actions if everything else advice.actions[:FEW]
    lines = [
        *(line for sentence in head for line in _wrapped(sentence)),
        "",
        "What to do",
        *(line for n, action in enumerate(actions, 1) for line in _action(n, action)),
        *([] if actions else [NOTHING]),
        "",
        *_numbers(advice.numbers if everything else advice.key_numbers, everything),
    ]
    if everything:
        last = [line for note in advice.notes for line in _wrapped(note)]
    else:
        last = _wrapped(_rest(advice))
    return "\n".join([*lines, "", *_wrapped(rule), *last])


def _action(number: int, action: Action) -> list[str]:
    indent = " " * len(f"{number}. ")
    return [
        *_wrapped(action.do, f"{number}. "),
        *(indent + line for line in _wrapped(action.gain, "", WIDTH - len(indent))),
    ]


def _numbers(numbers: Sequence[Number], everything: bool) -> list[str]:
    rows = [(n.words, f"{span(n)} {n.unit}", n.checked) for n in numbers]
    if everything:
        return _columns([("theory says", "", "checked"), *rows])
    return _columns([row[:2] for row in rows])


def span(number: Number) -> str:
    """A number, or the two ends between which a convolution's lies."""
    ends = (number.value,) if number.independent is None else (number.value, number.independent)
    return " to ".join(dict.fromkeys(map(shown, ends)))


def _rest(advice: Advice) -> str:
    further = max(0, len(advice.actions) - FEW)
    more = f"{further} more action{'s' * (further > 1)}, " if further else ""
    return f"--all adds {more}{len(advice.numbers) - len(advice.key_numbers)} numbers and notes."


def shown(value: float) -> str:
    """Three significant digits, or `infinite`; what only rounding leaves is 0."""
    if value in (inf, -inf):
        return "infinite" if value > 0 else "-infinite"
    if abs(value) < ROUNDING:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def wrapped(sentence: str) -> str:
    """A sentence in lines of a terminal's width."""
    return "\n".join(_wrapped(sentence))


def _wrapped(sentence: str, bullet: str = "", width: int = WIDTH) -> list[str]:
    indent = " " * len(bullet)
    return textwrap.wrap(
        sentence, width, initial_indent=bullet, subsequent_indent=indent, break_on_hyphens=False
    )


def _columns(table: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
