"""The figure of control arms: every mark in its arm's row, at its own value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from caviar.analysis.figures.arms import arm_effects
from caviar.analysis.figures.axes import style
from caviar.analysis.report.page.marks import marks_of

MEANS = {("batch", 8.0): -0.02, ("batch", 64.0): 0.001, ("renorm", 8.0): 1.4, ("layer", 256.0): 0.0}


def rows_of(means: dict[tuple[str, float], float]) -> pd.DataFrame:
    rows = [
        {
            **{"arm": arm, "against": "population", "level": level, "quantity": quantity},
            **{"mean": sign * mean, "low": sign * mean - 0.001, "high": sign * mean + 0.002},
            "units": 8.0,
        }
        for (arm, level), mean in means.items()
        for quantity, sign in (("test_loss", 1), ("train_loss", -1))
    ]
    return pd.DataFrame(rows)


def drawn(table: pd.DataFrame) -> Figure:
    with style():
        figure = arm_effects(table, "m")
        figure.canvas.draw()
    return figure


def lines_of(axes: Axes) -> dict[str, Line2D]:
    """The marks of every size, by its name."""
    containers = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    return {str(c.get_label()): c.lines[0] for c in containers}


def points_of(line: Line2D) -> list[tuple[float, float]]:
    x, y = (np.asarray(values, float) for values in line.get_data())
    return list(zip(x.tolist(), y.tolist(), strict=True))


def test_every_mark_stands_in_the_row_of_its_arm_at_its_value() -> None:
    figure = drawn(rows_of(MEANS))
    for axes, sign in zip(figure.axes, (1, -1), strict=True):
        names = [tick.get_text() for tick in axes.get_yticklabels()]
        assert names == ["batch", "renorm", "layer"]
        marks = {
            (names[round(y)], size.removeprefix("m = ")): x
            for size, line in lines_of(axes).items()
            for x, y in points_of(line)
        }
        expected = {(arm, f"{level:g}"): sign * mean for (arm, level), mean in MEANS.items()}
        assert marks == pytest.approx(expected)
        low, high = axes.get_xlim()
        assert low < min(marks.values()) and max(marks.values()) < high  # none at the frame


def test_the_sizes_of_an_arm_share_its_row_and_a_single_one_stands_in_the_middle() -> None:
    axes = drawn(rows_of(MEANS)).axes[0]
    heights = [y for line in lines_of(axes).values() for _, y in points_of(line)]
    assert sorted(heights) == pytest.approx([-0.1875, 0.1875, 1.0, 2.0])
    assert axes.get_ylim() == (2.5, -0.5)  # the first arm on top


def test_a_mark_is_told_with_its_arm_interval_and_seeds() -> None:
    told = marks_of(drawn(rows_of(MEANS)).axes[0])
    assert "<title>batch: −0.02 [−0.021, −0.018], 8 seeds</title>" in told
    assert 'data-s="m = 8"' in told


def test_what_has_no_value_has_no_mark() -> None:
    table = rows_of(MEANS)
    table.loc[table["arm"] == "renorm", ["mean", "low", "high"]] = np.nan
    axes = drawn(table).axes[0]
    assert [len(points_of(line)) for line in lines_of(axes).values()] == [1, 1, 1]


def test_without_a_population_arm_the_first_reference_is_named() -> None:
    figure = drawn(rows_of(MEANS).assign(against="batch"))
    assert [axes.get_title() for axes in figure.axes] == [
        "test loss less that of batch",
        "train loss less that of batch",
    ]
