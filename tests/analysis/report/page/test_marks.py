"""Every point has its numbers, where it is drawn, and belongs to its series."""

from __future__ import annotations

import math
import re

from matplotlib.figure import Figure

from caviar.analysis.figures.axes import line
from caviar.analysis.report.page.marks import marks_of, named_series
from tests.analysis.plotted import table


def test_a_mark_says_its_numbers_and_lies_on_its_point() -> None:
    figure = Figure(figsize=(5, 4), dpi=144)
    axes = figure.subplots()
    rows = table((8.0, 64.0)).assign(
        units=[6, 5], mean=[0.5, 0.25], low=[0.4, math.nan], high=0.625
    )
    line(axes, rows, 0, "a < b")
    axes.set(xlim=(0, 80), ylim=(0, 1))
    named_series(axes)
    marks = marks_of(axes)
    assert marks.startswith('<g class="hits" data-s="a &lt; b">')
    titles = re.findall("<title>(.*?)</title>", marks)
    assert titles == ["8: 0.5 [0.4, 0.625], 6 seeds", "64: 0.25 [0.25, 0.625], 5 seeds"]
    box = axes.get_position()  # Points of 5 by 4 inches: 360 by 288.
    across = [360 * (box.x0 + box.width * x / 80) for x in (8, 64)]
    down = [288 * (1 - box.y0 - box.height * y) for y in (0.5, 0.25)]
    centres = re.findall(r'cx="(\d+)" cy="(\d+)"', marks)
    assert centres == [(f"{x:.0f}", f"{y:.0f}") for x, y in zip(across, down, strict=True)]


def test_what_has_no_name_belongs_to_the_series_of_its_colour() -> None:
    axes = Figure().subplots()
    line(axes, table(), 0, "tuned", "#0072b2")
    (bold,) = axes.plot([8, 64], [1, 2], color="#0072b2")
    (other,) = axes.plot([8, 64], [1, 2], color="#777777")
    named_series(axes)
    assert (bold.get_gid(), other.get_gid()) == ("series:tuned", None)
