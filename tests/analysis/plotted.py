"""Tables to draw, and what a figure of them shows, read back from its artists."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from numpy.typing import NDArray

from caviar.analysis.figures import axes as drawing

LEVELS = (8.0, 64.0, 256.0)
READINGS = ("every draw", "best draw")
FACETS = ("norm = batch", "norm = layer")


def table(
    levels: Sequence[float] = LEVELS,
    facets: Sequence[str] = ("",),
    readings: Sequence[str] = ("every draw",),
    *,
    sign: float = 1.0,
    **more: Any,
) -> pd.DataFrame:
    """One row per level, facet, reading and further columns, all with different numbers."""
    columns = {"reading": readings, "facet": facets, **more, "level": levels}
    rows = pd.MultiIndex.from_product(columns.values(), names=list(columns)).to_frame(index=False)
    mean = sign * (1 + np.arange(len(rows)) / 8) / rows["level"]
    return rows.assign(mean=mean, low=mean - 0.3 * abs(mean), high=mean + 0.2 * abs(mean))


def part(rows: pd.DataFrame, **where: object) -> pd.DataFrame:
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


MANY = [0.0, 0.5, 0.9, 0.99, 0.999]
"""Decays: of two rules they are more averages than are drawn as lines."""


class Series(NamedTuple):
    """One line with bars: positions, heights, and the ends of the bars."""

    name: str
    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]


def drawn(figure: Figure) -> None:
    """Lay the figure out and draw everything in it, into no file; a warning is an error."""
    with warnings.catch_warnings(), drawing.style():
        warnings.simplefilter("error")
        figure.draw_without_rendering()


def series(axes: Axes) -> list[Series]:
    """The lines of an axes that have bars, in the order they were drawn."""
    drawn = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (bars,) = container.lines
        segments = [segment for segment in bars.get_segments() if len(segment)]
        ends = np.array([segment[:, 1] for segment in segments]).reshape(-1, 2)
        drawn.append(
            Series(
                _name(container.get_label()),
                _floats(line.get_xdata()),
                _floats(line.get_ydata()),
                _floats(ends[:, 0]),
                _floats(ends[:, 1]),
            )
        )
    return drawn


def same(shown: Series, rows: pd.DataFrame) -> bool:
    """Whether a line shows exactly the rows: levels, means and intervals."""
    rows = rows.sort_values("level")
    pairs: list[tuple[list[float], Any]] = [
        (shown.x, rows["level"]),
        (shown.y, rows["mean"]),
        (shown.low, rows["low"]),
        (shown.high, rows["high"]),
    ]
    return all(
        len(values) == len(true) and np.allclose(values, true, rtol=1e-12, atol=0)
        for values, true in pairs
    )


def labelled(axes: Axes) -> bool:
    """Whether both axes say what they show."""
    return bool(axes.get_xlabel()) and bool(axes.get_ylabel())


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def panels(figure: Figure) -> list[Axes]:
    """The axes that show data: not those of colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def _name(label: object) -> str:
    """What the legend shows for a label; Matplotlib's own begin with an underscore."""
    return "" if label is None or str(label).startswith("_") else str(label)


def _floats(values: NDArray[Any] | Any) -> list[float]:
    return [float(value) for value in np.asarray(values)]
