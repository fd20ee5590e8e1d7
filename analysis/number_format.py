"""Numbers in sentences: signs that cannot be overlooked, intervals, significant digits only."""

from __future__ import annotations

from typing import Any

import pandas as pd

MINUS = "\N{MINUS SIGN}"


MOST_DIGITS = 17
"""Digits that tell any two numbers apart."""


def number(value: float, beside: tuple[float, ...] = ()) -> str:
    """Three significant digits with a sign that cannot be overlooked; `?` for no number.

    `beside` are bounds that a reader holds the number against: it gets as many digits as show on
    which side of each it lies, 1.002 and not 1.00 beside 1.
    """
    if pd.isna(value):
        return "?"
    if abs(value) == float("inf"):
        return f"{MINUS if value < 0 else ''}\N{INFINITY}"
    if value == 0:
        return "0"
    size = abs(value)
    text = f"{value:.0f}" if 999.5 <= size < 1e4 else f"{value:.3g}"
    text = text if 1e-4 <= size < 1e4 else f"{value:.1e}"
    return _on_its_side(text, value, beside).replace("-", MINUS)


def _on_its_side(text: str, value: float, beside: tuple[float, ...]) -> str:
    """The text, or that of the fewest digits which lie on the value's side of every bound."""
    digits = 3
    while digits < MOST_DIGITS and any(
        (float(text) > bound, float(text) < bound) != (value > bound, value < bound)
        for bound in beside
    ):
        digits += 1
        text = f"{value:.{digits}g}"
    return text


CONTROLS = {
    code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160)) if code not in (9, 10)
}
"""Characters that no page or figure can show, for `str.translate`; tabs and new lines stay."""


def literal(text: str) -> str:
    """A user's name as text of a figure: `$` does not start mathematics, and it stays one line."""
    return " ".join(text.translate(CONTROLS).split("\n")).replace("$", r"\$")


def with_interval(
    row: Any, unit: str = "", *, signed: bool = False, beside: tuple[float, ...] = ()
) -> str:
    """`0.021 [0.016, 0.026]`, or without an interval where there were too few units; then `unit`.

    No rounding hides on which side of the bounds `beside` an end lies.
    """
    mean, low, high = row["mean"], row["low"], row["high"]
    sign = "+" if signed and mean > 0 else ""
    if pd.isna(low):
        return f"{sign}{number(mean)}{unit} (too few for an interval)"
    return f"{sign}{number(mean)} [{number(low, beside)}, {number(high, beside)}]{unit}"
