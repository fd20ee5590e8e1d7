"""The curve of `advise` is drawn as it is, and bands only where a convolution has two ends."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Annotation

from caviar.analysis.figures.advice import advice_against_size
from caviar.analysis.theory.advice.curve import curve
from caviar.analysis.theory.question import Question


@pytest.mark.parametrize(("positions", "bands"), [(1, 0), (49, 1)])
def test_lines_are_those_of_the_curve(positions: int, bands: int) -> None:
    points = curve(Question(4, 0.9, positions=positions))
    errors, noise = advice_against_size(points, 4).axes
    lines = {str(line.get_label()): line for line in errors.get_lines()}
    for name, values in (
        ("running averages", [point.divergence[0] for point in points]),
        ("recomputed at the end", [point.recomputed[0] for point in points]),
    ):
        np.testing.assert_allclose(np.asarray(lines[name].get_ydata()), values)
    drawn = np.asarray(noise.get_lines()[0].get_ydata())
    np.testing.assert_allclose(drawn, [point.dropout_rate[0] for point in points])
    assert (len(errors.collections), len(noise.collections)) == (2 * bands, bands)
    assert "worth a change" in lines


def test_infinite_errors_are_left_out() -> None:
    points = curve(Question(4, 0.9, second="inverse_deviation"))
    errors, _ = advice_against_size(points, 4).axes
    values = np.asarray(errors.get_lines()[0].get_ydata(), dtype=float)
    assert np.isnan(values[0]) and np.isfinite(values[1:]).all()


@pytest.mark.parametrize(("m", "side"), [(4, "left"), (512, "right")])
def test_the_size_that_was_asked_for_is_named_at_its_point(m: int, side: str) -> None:
    """To the right of a point in the left half, to the left of one in the right half."""
    points = curve(Question(m, 0.9))
    (asked,) = [point for point in points if point.norm_batch_size == m]
    figure = advice_against_size(points, m)
    for axes, value in zip(figure.axes, (asked.divergence[0], asked.dropout_rate[0]), strict=True):
        (label,) = axes.texts
        assert (label.get_text(), label.get_horizontalalignment()) == (f"yours: m = {m}", side)
        assert isinstance(label, Annotation) and label.xy == (m, value)


def test_an_infinite_error_is_not_named() -> None:
    points = curve(Question(2, 0.9, second="inverse_deviation"))
    errors, noise = advice_against_size(points, 2).axes
    assert (len(errors.texts), len(noise.texts)) == (0, 1)
