"""Figures that take effects apart show what their tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import decompositions
from tests.analysis.plotted import LEVELS, drawn, panels, part, same, series, table, ticks


def test_mechanism_shares() -> None:
    names = ("whole", "gradient path")
    rows = table(quantity=("train_loss", "test_loss"), mechanism=names)
    figure = decompositions.mechanism_shares(rows, "m")
    drawn(figure)
    for axes, quantity in zip(panels(figure), ("train_loss", "test_loss"), strict=True):
        lines = {line.name: line for line in series(axes)}
        assert set(lines) == set(names)
        for name in names:
            assert same(lines[name], part(rows, quantity=quantity, mechanism=name))


def test_penalty_split() -> None:
    rows = table(quantity=tuple(decompositions.PENALTY_NAMES))
    rows = rows.assign(probe_batch_size=rows["level"])
    elsewhere = rows.assign(probe_batch_size=4.0, mean=99.0)
    figure = decompositions.penalty_split(pd.concat([rows, elsewhere]), "m")
    drawn(figure)
    (axes,) = figure.axes
    lines = {line.name: line for line in series(axes)}
    for quantity, name in decompositions.PENALTY_NAMES.items():
        assert same(lines[name], part(rows, quantity=quantity))


def test_penalty_matrix() -> None:
    rows = table(probe_batch_size=(4.0, 8.0)).assign(quantity="noise_penalty")
    figure = decompositions.penalty_matrix(rows, "m")
    drawn(figure)
    (axes,) = panels(figure)
    shown = np.asarray(axes.images[0].get_array())
    for row in rows.to_dict("records"):
        at = (4.0, 8.0).index(row["probe_batch_size"]), LEVELS.index(row["level"])
        assert shown[at] == pytest.approx(row["mean"])
    assert ticks(axes) == ["8", "64", "256"]


def test_equivalent_dropout() -> None:
    rows = table(quantity=("measured_rate", "predicted_rate", "test_difference"))
    figure = decompositions.equivalent_dropout(rows, "m")
    drawn(figure)
    left, right = panels(figure)
    measured, predicted = series(left)
    assert same(measured, part(rows, quantity="measured_rate"))
    assert same(predicted, part(rows, quantity="predicted_rate"))
    assert same(series(right)[0], part(rows, quantity="test_difference"))


def test_best_decay() -> None:
    """Memories and their ranges from decays; the dashed line falls as m^(-1/3)."""
    memory, low, high = ([a, b, c] for a, b, c in ((16, 8, 4), (8, 8, 2), (32, 8, 8)))
    decays = {name: 1 - 1 / np.array(of) for name, of in (("low", low), ("high", high))}
    rows = pd.DataFrame({"layer": "norm1", "level": LEVELS, "memory": memory, **decays})
    figure = decompositions.best_decay(rows, "m")
    drawn(figure)
    (axes,) = figure.axes
    (line,) = series(axes)
    assert (line.y, line.name) == (memory, "norm1")
    assert line.low == pytest.approx(low) and line.high == pytest.approx(high)
    (dashed,) = [x for x in axes.lines if x.get_linestyle() == "--"]
    product = np.asarray(dashed.get_ydata()) * np.cbrt(np.asarray(dashed.get_xdata()))
    assert product == pytest.approx(np.full(3, product[0]))


def test_repairs_and_gradient_noise() -> None:
    rows, usual = table(statistics=("batch", "precise"), sign=-1.0), table()
    figure = decompositions.repairs(rows, usual, "m", "unbiased")
    drawn(figure)
    lines = {line.name: line for line in series(figure.axes[0])}
    assert same(lines["running: unbiased"], usual)
    for kind in ("batch", "precise"):
        assert same(lines[kind], part(rows, statistics=kind))
    figure = decompositions.gradient_noise(usual, "m")
    drawn(figure)
    assert same(series(figure.axes[0])[0], usual) and figure.axes[0].get_ylim()[0] == 0
