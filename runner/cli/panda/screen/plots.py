"""One plot: the panda, its twin and any other future that is being trained, against steps."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from caviar.analysis.number_format import number
from caviar.runner.cli.panda.screen.contrast import name_of
from caviar.runner.cli.panda.screen.curves import Curve, Window, drawn
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.panda.view import Series, View

Array = NDArray[Any]

PANDA, TWIN, FUTURE = "bold cyan", "yellow", "magenta"
"""Styles of curves, in a terminal's own colours."""

LABEL = 6
"""Columns of the numbers at the left axis."""

TALL = 8
"""Lines from which on the axis has a number in its middle."""

STEPS_OF_A_DECADE = (1, 1.5, 2, 3, 5, 7, 10)
HIGHEST = 10.0
"""A loss that leaves for infinity is drawn up to this multiple of the twin's highest."""


def legend(view: View, other: int, signs: Signs) -> Text:
    """Which line is whose: those of the two that are compared, and the other sides of forks."""
    solid, dotted, further = ("⠒⠒", "⠂⠂", "⠤⠤") if signs.braille else ("**", "..", "++")
    text = Text()
    if view.current != other:
        text.append(f" {solid} panda", PANDA)
    text.append(f" {dotted} {name_of(other)}", TWIN)
    if futures(view, other):
        text.append(f" {further} other forks", FUTURE)
    return text


def futures(view: View, other: int) -> list[int]:
    """Lineages that are trained besides the two that are compared: the other sides of forks."""
    return [
        lineage.number
        for lineage in view.lineages
        if lineage.state == "training" and lineage.number not in (view.current, other, 0)
    ]


def plot(
    view: View, kind: str, metric: str, other: int, width: int, height: int, signs: Signs
) -> list[Text]:
    """The plot of `metric` of `kind` (`validation running`) in exactly `height` lines."""
    curves = [
        curve
        for number_of, style, sign, dotted in (
            (other, TWIN, ".", True),
            *((n, FUTURE, "+", False) for n in futures(view, other)),
            *([] if view.current == other else [(view.current, PANDA, "*", False)]),
        )
        if (curve := _curve(view.series.get((number_of, f"{metric} {kind}")), style, sign, dotted))
    ]
    window = window_of(curves, metric, view.steps)
    if window is None:
        return [Text(f"{'':{LABEL}} no {metric} yet", "dim"), *[Text("")] * (height - 1)]
    inside = drawn(curves, window, width - LABEL - 1, height - 1, signs)
    labels = {0: window.high, height - 2: window.low}
    if height >= TALL:
        labels[(height - 2) // 2] = window.value_at(1 - (height - 2) // 2 / (height - 2))
    lines = []
    for row, line in enumerate(inside):
        label = _label(labels[row], metric) if row in labels else ""
        lines.append(Text(signs.shown(f"{label:>{LABEL}}┤"), "dim").append_text(line))
    return [*lines, _axis(view, width, signs)]


def _curve(series: Series | None, style: str, sign: str, dotted: bool) -> Curve | None:
    if series is None or not len(series.steps):
        return None
    finite = np.isfinite(series.values)
    counts = finite.sum(1)
    sums = np.where(finite, series.values, 0).sum(1)
    means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return Curve(np.asarray(series.steps), means, style, sign, dotted)


def window_of(curves: Sequence[Curve], metric: str, steps: int) -> Window | None:
    """All steps of the training, and round numbers around all values; a loss on a log scale."""
    values = [curve.values[np.isfinite(curve.values)] for curve in curves]
    values = [one[one > 0] if metric == "loss" else one for one in values]
    values = [one for one in values if len(one)]
    if not values:
        return None
    low, high = min(one.min() for one in values), max(one.max() for one in values)
    if metric == "accuracy":
        low, high = floor(20 * low) / 20, ceil(20 * high) / 20
        return Window(0, steps, low, max(high, low + 0.05), False)
    high = min(high, HIGHEST * values[0].max())
    return Window(0, steps, _round_number(low, floor), _round_number(high, ceil), True)


def _round_number(value: float, towards: Any) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7, 10, ... downwards (`floor`) or upwards (`ceil`)."""
    decade = 10.0 ** floor(log10(value))
    ladder = [decade * step for step in STEPS_OF_A_DECADE]
    if towards is floor:
        return float(max(one for one in ladder if one <= value * (1 + 1e-9)))
    return float(min(one for one in ladder if one >= value * (1 - 1e-9)))


def _label(value: float, metric: str) -> str:
    return f"{100 * value:.0f} %" if metric == "accuracy" else number(value)


def _axis(view: View, width: int, signs: Signs) -> Text:
    """The axis of steps: where it ends, and a mark at every edit of the current lineage."""
    last = f" {view.steps:,} steps"
    room = width - LABEL - 1 - len(last)
    line = ["─"] * room
    for step in edits(view):
        line[min(room - 1, int(step / view.steps * (width - LABEL - 1)))] = "▲"
    return Text(signs.shown(f"{'0':>{LABEL}}└{''.join(line)}{last}"), "dim", no_wrap=True)


def edits(view: View) -> list[int]:
    """The steps at which the current lineage was changed, its ancestors' included."""
    steps, lineage = [], view.lineages[view.current]
    while lineage.number:
        steps.append(lineage.born)
        lineage = view.lineages[lineage.parent]
    return steps[::-1]
