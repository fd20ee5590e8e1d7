"""Parallel coordinates: the best trial is drawn last, over all others, and every axis is named."""

from __future__ import annotations

import numpy as np

from caviar.analysis.figures.parallel import parallel_coordinates


def test_the_best_is_drawn_over_the_others_and_bold() -> None:
    places = np.array([[0.1, 1.0], [0.5, 0.5], [0.9, 0.0]])
    figure = parallel_coordinates(places, ["rate", "loss"], [("0.1", "1"), ("9", "2")], 2)
    (axes,) = figure.axes
    others, few, best, *_ = axes.collections
    assert [len(d.get_segments()) for d in (others, few, best)] == [1, 1, 1]  # type: ignore[attr-defined]
    widths = [np.max(drawn.get_linewidth()) for drawn in (best, few, others)]
    assert widths == sorted(widths, reverse=True) and widths[0] > widths[1]
    assert best.get_segments()[0].tolist() == [[0, 0.1], [1, 1.0]]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["rate", "0.1", "1", "loss", "9", "2"]
    assert axes.get_legend_handles_labels()[1] == ["other trials", "the best 2", "the best"]
