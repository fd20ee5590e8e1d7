"""Numbers and differences as narrow screens have room for them, and one sentence on them."""

from __future__ import annotations

from math import floor, isfinite, isnan, log10

from caviar.analysis.number_format import MINUS, number
from caviar.analysis.statistics.intervals import FEWEST, Interval
from caviar.runner.cli.panda.screen.contrast import Reading

MOST_DECIMALS = 5
"""With more, a number is written as a power of ten."""

IN_PERCENT = 100.0

LEVEL = 7
"""Columns of a level."""


def short(value: float, metric: str = "loss") -> str:
    """A level in at most seven signs: a loss to three digits, an accuracy in per cent."""
    if metric == "accuracy" and isfinite(value):
        return f"{value * IN_PERCENT:.1f}"
    text = number(value)
    return text if len(text) <= LEVEL else f"{value:.1e}".replace("-", MINUS)


def difference(interval: Interval, metric: str, room: int = 99) -> str:
    """`−0.012 [−0.021, −0.004]`: to two digits of half the width, so that nothing is shown which
    is not known, or to fewer where a column has less room. No rounding hides on which side of zero
    an end lies."""
    scale = IN_PERCENT if metric == "accuracy" else 1.0
    mean, low, high = (scale * value for value in interval[:3])
    if isnan(mean):
        return "none finite"
    if isnan(low):
        return f"{_signed(mean, _decimals(abs(mean)))} [too few]"
    if low == high:
        return "0" if mean == 0 else _signed(mean, _decimals(abs(mean)))
    decimals = _decimals((high - low) / 2)
    while len(text := _with_ends(mean, low, high, decimals)) > room and decimals:
        decimals -= 1
    return text


def _with_ends(mean: float, low: float, high: float, decimals: int) -> str:
    ends = ", ".join(_rounded(value, decimals) for value in (low, high))
    return f"{_signed(mean, decimals)} [{ends}]"


def _decimals(size: float) -> int:
    return max(0, 1 - floor(log10(size))) if size > 0 else 0


def _rounded(value: float, decimals: int) -> str:
    text = f"{value:.1e}" if decimals > MOST_DECIMALS else f"{value:.{decimals}f}"
    if value and float(text) == 0:
        text = f"{value:.1g}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def _signed(value: float, decimals: int) -> str:
    return f"{'+' if value > 0 else ''}{_rounded(value, decimals)}"


def sentence(reading: Reading | None, metric: str, of: str, other: str, seeds: int) -> str:
    """Whether the panda is better than the other model, with the interval that says so.

    `of` names the quantity: `validation running`.
    """
    split, statistics = of.split(" ")
    under = "in train mode" if statistics == "train-mode" else f"under {statistics} statistics"
    named = f"{split} {metric} {under}"
    if reading is None:
        return f"No {named} of both models yet."
    units = reading.difference.units
    if not units:
        return f"No seed has a finite {named} in both models at step {reading.step:,}."
    told = difference(reading.difference, metric) + " points" * (metric == "accuracy")
    counted = f"{seeds} seed{'s' * (seeds != 1)}" if units == seeds else f"{units}/{seeds} seeds"
    verdict = _verdict(reading, metric, other)
    return f"{verdict} at step {reading.step:,}: {named} differs by {told} ({counted})."


def _verdict(reading: Reading, metric: str, other: str) -> str:
    mean, low, high, units = reading.difference
    if units < FEWEST:
        return f"{units} seed{'s' * (units > 1)} cannot tell ({FEWEST} can)"
    if low == high == 0:
        return f"The panda is as its {other}"
    if low <= 0 <= high:
        return f"The panda cannot be told from its {other}"
    better = (mean < 0) == (metric == "loss")
    return f"The panda is {'better' if better else 'worse'} than its {other}"
