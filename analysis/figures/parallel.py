"""Every trial of a search as a line through its drawn values: parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from caviar.analysis.figures.axes import grid_of
from caviar.analysis.figures.palette import GREY, ink
from caviar.analysis.number_format import literal


def parallel_coordinates(
    places: NDArray[Any], names: Sequence[str], ends: Sequence[tuple[str, str]], best: int
) -> Figure:
    """A line per trial, the best first: `places`, `(trials, axes)`, run from 0 to 1 on each axis.

    `ends` are the words at the lower and upper end of every axis; `best` trials are drawn darker,
    the first of them bold.
    """
    figure, ((axes,),) = grid_of(1)
    x = np.arange(len(names))
    groups = (
        (places[best:][::-1], GREY.light, 0.6, 0.6, "other trials"),
        (places[1:best][::-1], ink(1), 0.9, 1.1, f"the best {best}"),
        (places[:1], ink(0), 1.0, 2.8, "the best"),
    )
    for rows, colour, opacity, width, name in groups:
        lines = [np.column_stack([x, row]) for row in rows]
        drawn = LineCollection(lines, colors=colour, linewidths=width, alpha=opacity)
        axes.add_collection(drawn)
        axes.plot([], [], color=colour, linewidth=width, label=name)
    for i, (name, (low, high)) in enumerate(zip(names, ends, strict=True)):
        axes.vlines(i, 0, 1, color="#777777", linewidth=0.8)
        # Names take turns between two lines, so that long ones have room on a phone.
        axes.text(i, -0.15 - 0.1 * (i % 2), literal(name), ha="center", va="top")
        axes.text(i, -0.02, low, ha="center", va="top")
        axes.text(i, 1.02, high, ha="center", va="bottom")
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(-0.35, 1.12))
    axes.set_axis_off()
    axes.legend()
    return figure
