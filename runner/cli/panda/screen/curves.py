"""Curves drawn in signs of a terminal, each sign with several dots where braille can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from caviar.runner.cli.panda.screen.signs import Signs

Array = NDArray[Any]

BRAILLE = 0x2800
BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of every dot of a braille sign, (down, across)."""

SAMPLES_PER_DOT = 4


class Curve(NamedTuple):
    """One line of a plot. A value that is not finite is a gap."""

    steps: Array
    """(points,), growing."""
    values: Array
    """(points,)."""
    style: str
    sign: str
    """What draws it where there is no braille."""
    dotted: bool = False


class Window(NamedTuple):
    """The part of the plane that a plot shows."""

    first: float
    last: float
    low: float
    high: float
    logarithmic: bool

    def height_of(self, values: Array) -> Array:
        """Where values lie between `low` (0) and `high` (1); those outside lie on the edge."""
        low, high = self.low, self.high
        if self.logarithmic:
            values = np.log(np.maximum(values, low))
            low, high = np.log(low), np.log(high)
        span = high - low
        return np.clip((values - low) / span if span > 0 else np.full(values.shape, 0.5), 0, 1)

    def value_at(self, height: float) -> float:
        """The value at a height from 0 (`low`) to 1 (`high`)."""
        if self.logarithmic:
            return float(self.low ** (1 - height) * self.high**height)
        return self.low + height * (self.high - self.low)


def canvas(curve: Curve, window: Window, rows: int, columns: int) -> Array:
    """The dots of a curve, (rows, columns), the first row on top.

    A column of dots is filled from the lowest to the highest value within it, so that no peak
    falls between two dots.
    """
    if not np.isfinite(curve.values).any():
        return np.zeros((rows, columns), bool)
    grid = np.linspace(window.first, window.last, columns * SAMPLES_PER_DOT + 1)
    steps = np.union1d(grid, curve.steps)
    steps = steps[(steps >= max(curve.steps[0], window.first)) & (steps <= curve.steps[-1])]
    values = np.interp(steps, curve.steps, curve.values)
    steps, values = steps[np.isfinite(values)], values[np.isfinite(values)]
    place = (steps - window.first) / max(window.last - window.first, 1) * columns
    row = ((1 - window.height_of(values)) * (rows - 1)).round().astype(int)
    top, bottom = np.full(columns, rows), np.full(columns, -1)
    # A value between two columns belongs to both, which joins them.
    for column in (np.floor(place), np.ceil(place) - 1):
        column = column.clip(0, columns - 1).astype(int)
        np.minimum.at(top, column, row)
        np.maximum.at(bottom, column, row)
    if curve.dotted:
        bottom[1::2] = -1
    level = np.arange(rows)[:, None]
    return np.asarray((level >= top) & (level <= bottom))


def drawn(
    curves: Sequence[Curve], window: Window, width: int, height: int, signs: Signs
) -> list[Text]:
    """The curves in lines of text, later ones above earlier ones."""
    across, down = signs.dots
    shapes = [canvas(curve, window, height * down, width * across) for curve in curves]
    cells = [shape.reshape(height, down, width, across) for shape in shapes]
    touched = [np.asarray(cell.any((1, 3))) for cell in cells]
    bits = np.zeros((height, width), int)
    if signs.braille:
        for cell in cells:
            bits |= (cell * BITS[None, :, None, :]).sum((1, 3))
    lines = []
    for row in range(height):
        line = Text(no_wrap=True)
        for column in range(width):
            top = next((i for i in reversed(range(len(curves))) if touched[i][row, column]), None)
            if top is None:
                line.append(" ")
            elif signs.braille:
                line.append(chr(BRAILLE + bits[row, column]), curves[top].style)
            else:
                line.append(curves[top].sign, curves[top].style)
        lines.append(line)
    return lines
