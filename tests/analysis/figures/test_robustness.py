"""Figures of draws and specifications show their tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.figures.robustness import specifications, tuning
from caviar.analysis.tables.specification_curve import BEST, SMALLEST
from tests.analysis.plotted import FACETS, drawn, labelled, series
from tests.analysis.plotted import table as plotted_table

RATES = {0: 0.3, 1: 0.01, 2: 0.1}


def of_draws(facets: tuple[str, ...] = ("",)) -> pd.DataFrame:
    rows = plotted_table(facets=facets, quantity=("test_loss", "validation_loss"), draw=RATES)
    rows = rows.drop(columns="reading").assign(learning_rate=rows["draw"].map(RATES))
    edge = rows["draw"].map({0: "learning_rate", 1: "learning_rate", 2: ""})
    best = rows["draw"].eq(2) & rows["level"].eq(8) | rows["draw"].eq(0) & rows["level"].eq(64)
    counts = {"units": 6, "left_out": 0}
    return rows.assign(**counts, best=best, at_edge=edge)


def test_a_line_a_level_over_what_was_drawn() -> None:
    table = of_draws(FACETS)
    figure = tuning(table.sample(frac=1, random_state=0), "m")
    drawn(figure)
    assert [axes.get_title() for axes in figure.axes] == list(FACETS)
    for axes, facet in zip(figure.axes, FACETS, strict=True):
        assert labelled(axes) and axes.get_xlabel() == "learning_rate"
        of_facet = table[(table["facet"] == facet) & (table["quantity"] == "test_loss")]
        lines = series(axes)
        assert [line.name for line in lines] == ["m = 8", "m = 64", "m = 256"]
        for line, level in zip(lines, (8, 64, 256), strict=True):
            rows = of_facet[of_facet["level"] == level].sort_values("learning_rate")
            # Beside each other, but nearer to their own draw than to any other.
            assert np.allclose(line.x, rows["learning_rate"], rtol=0.05)
            for ends, name in ((line.y, "mean"), (line.low, "low"), (line.high, "high")):
                assert ends == pytest.approx(rows[name].tolist())
        assert len({line.x[0] for line in lines}) == 3


def test_best_draws_are_stars_hollow_at_the_edge() -> None:
    table = of_draws()
    figure = tuning(table, "m")
    drawn(figure)
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    inner, edge = stars
    assert np.asarray(inner.get_xdata())[0] == pytest.approx(0.1, rel=0.05)
    assert np.asarray(edge.get_xdata())[0] == pytest.approx(0.3, rel=0.05)
    assert inner.get_markerfacecolor() != "white" and edge.get_markerfacecolor() == "white"
    means = table[(table["quantity"] == "test_loss") & table["best"]].sort_values("level")["mean"]
    heights = [np.asarray(star.get_ydata())[0] for star in stars]
    assert heights == pytest.approx(means.tolist())
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[3:] == ["best draw", "best draw, at the edge"]
    none = tuning(table.assign(best=False), "m")
    assert len(none.legends[0].get_texts()) == 3


def test_points_of_several_drawn_fields_are_not_joined() -> None:
    table = of_draws()
    table = table.assign(momentum=table["draw"] / 10)
    figure = tuning(table, "m")
    drawn(figure)
    assert [axes.get_xlabel() for axes in figure.axes] == ["learning_rate", "momentum"]
    bars: list[Any] = [bar for axes in figure.axes for bar in axes.containers]
    styles = {bar.lines[0].get_linestyle() for bar in bars}
    assert styles == {"None"}


def of_specifications() -> pd.DataFrame:
    """Two significantly below, one not, one without an interval, one significantly above."""
    rows = pd.DataFrame(
        {
            "mean": [-0.5, -0.2, -0.1, 0.1, 0.4],
            "low": [-0.6, -0.3, -0.3, np.nan, 0.3],
            "high": [-0.4, -0.1, 0.2, np.nan, 0.6],
            "activation": ["relu", "relu", "tanh", "relu", "tanh"],
        }
    )
    same = {"study": "one", "axis": "norm_batch_size", "facet": "", "draw": "0", "level": 8.0}
    rows = rows.assign(**same, reference=64.0, units=6, left_out=0)
    parts = [rows.assign(compared=SMALLEST), rows.iloc[:2].assign(compared=BEST)]
    return pd.concat(parts, ignore_index=True)


def test_effects_in_their_order_over_what_makes_them() -> None:
    table = of_specifications()
    figure = specifications(table)
    drawn(figure)
    left, right, below, _ = figure.axes
    counts = "5 specifications are below zero (2 significantly); 1 is significantly above"
    assert left.get_title() == f"{SMALLEST} less the largest:\n3 of {counts}"
    assert right.get_title().startswith(BEST)
    by_name = {shown.name: shown for shown in series(left)}
    assert by_name["significantly below zero"].x == [1, 2] and by_name["not significant"].x == [
        3,
        4,
    ]
    assert by_name["significantly above zero"].x == [5]
    for name, places in (("significantly below zero", [0, 1]), ("significantly above zero", [4])):
        rows = table.iloc[places]
        assert by_name[name].y == pytest.approx(rows["mean"].tolist())
        assert by_name[name].low == pytest.approx(rows["low"].tolist())
        assert by_name[name].high == pytest.approx(rows["high"].tolist())
    assert [text.get_text() for text in below.get_yticklabels()] == [
        "activation relu",
        "activation tanh",
    ]
    assert [np.asarray(line.get_xdata()).tolist() for line in below.lines] == [[1, 2, 4], [3, 5]]
    assert np.asarray(right.lines[0].get_xdata()).size and len(series(right)[0].x) == 2


def test_one_comparison_has_one_column() -> None:
    table = of_specifications()
    figure = specifications(table[table["compared"] == SMALLEST])
    drawn(figure)
    assert len(figure.axes) == 2
