"""What a norm batch size does by theory: errors at test time and noise in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import MARKERS, grid_of, legend, powers, size_axis
from caviar.analysis.figures.palette import meaning
from caviar.analysis.theory.advice.curve import Point
from caviar.analysis.theory.optimum import DIVERGENCE

SOFT = "#777777"
COLOURS = ("own", "precise", "batch")


def advice_against_size(points: Sequence[Point], m: int) -> Figure:
    """Two panels against the norm batch size, with the size that was asked for marked.

    For a convolution each curve is a band, from positions that are all alike to independent ones.
    """
    figure, grid = grid_of(2)
    errors, noise = grid[0]
    sizes = [point.norm_batch_size for point in points]
    _curve(errors, sizes, [point.divergence for point in points], 0, "running averages")
    _curve(errors, sizes, [point.recomputed for point in points], 1, "recomputed at the end")
    errors.axhline(DIVERGENCE, color=SOFT, linewidth=1, linestyle="--", label="worth a change")
    errors.set(ylabel="nats per unit", title="Error of statistics at test time")
    asked = next(point for point in points if point.norm_batch_size == m)
    _curve(noise, sizes, [point.dropout_rate for point in points], 2, "")
    noise.set(ylabel="rate", title="Noise in training, as a rate of dropout")
    for axes in (errors, noise):
        powers(axes)
        size_axis(axes, sizes, "norm batch size (examples)")
        axes.axvline(m, color=SOFT, linewidth=1)
    right = m * m > sizes[0] * sizes[-1]
    _label(errors, m, asked.divergence[0], right)
    _label(noise, m, asked.dropout_rate[0], right)
    legend(errors)
    return figure


def _label(axes: Axes, m: int, value: float, right: bool) -> None:
    """Name the size that was asked for at its point, on the side of a falling line that is free."""
    if np.isfinite(value):
        away, side, end = ((-8, -8), "right", "top") if right else ((8, 8), "left", "bottom")
        axes.annotate(
            f"yours: m = {m:,}", (m, value), away, textcoords="offset points", ha=side, va=end
        )


def _curve(
    axes: Axes, sizes: Sequence[int], values: Sequence[tuple[float, ...]], index: int, name: str
) -> None:
    """A line, or a band between the two ends, where values are finite."""
    ends = np.array(values, dtype=np.float64).T
    ends[~np.isfinite(ends)] = np.nan
    colour = meaning(COLOURS[index])
    if len(ends) == 2:
        axes.fill_between(sizes, ends[1], ends[0], color=colour, alpha=0.15, linewidth=0)
    for end, dashes, label in zip(ends, ("-", ":"), (name, None), strict=False):
        axes.plot(
            sizes,
            end,
            color=colour,
            marker=MARKERS[index],
            markersize=4.5,
            linestyle=dashes,
            linewidth=1.4,
            label=label or None,
        )
