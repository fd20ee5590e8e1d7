"""Figures show what their tables say, with labelled axes and without warnings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.figures import overview as figures
from tests.analysis.plotted import (
    FACETS,
    LEVELS,
    READINGS,
    drawn,
    labelled,
    part,
    same,
    series,
    table,
    ticks,
)


def test_noise_penalty() -> None:
    rows = table()
    figure = figures.noise_penalty(rows.sample(frac=1, random_state=0), "norm batch size m", "m")
    (axes,) = figure.axes
    drawn(figure)
    (line,) = series(axes)
    assert same(line, rows)
    assert axes.get_xlabel() == "norm batch size m" and labelled(axes)
    assert axes.get_yscale() == "log" and ticks(axes) == ["8", "64", "256"]


def test_the_dashed_line_is_proportional_to_one_over_m() -> None:
    (axes,) = figures.noise_penalty(table(), "m", "m").axes
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    product = np.asarray(dashed.get_xdata()) * np.asarray(dashed.get_ydata())
    assert product == pytest.approx(np.full(3, product[0]))
    assert dashed.get_label() == "proportional to 1/m"


@pytest.mark.parametrize("readings", [READINGS[:1], READINGS])
@pytest.mark.parametrize("facets", [("",), FACETS])
def test_every_reading_and_facet_has_its_line(
    readings: tuple[str, ...], facets: tuple[str, ...]
) -> None:
    rows = table(facets=facets, readings=readings)
    figure = figures.noise_penalty(rows, "m", "m")
    drawn(figure)
    lines = series(figure.axes[0])
    assert len(lines) == len(readings) * len(facets)
    shown = {line.name: line for line in lines}
    for reading in readings:
        for facet in facets:
            differing = [x for x, all_ in ((facet, facets), (reading, readings)) if len(all_) > 1]
            assert same(shown[", ".join(differing)], part(rows, reading=reading, facet=facet))


@pytest.mark.parametrize("quantity", ["train_loss", "test_loss"])
def test_effect_of_size(quantity: str) -> None:
    rows = table(LEVELS[:2], readings=READINGS, quantity=["train_loss", "test_loss", "x"])
    figure = figures.effect_of_size(rows, "m", 256)
    drawn(figure)
    axes = figure.axes[["train_loss", "test_loss"].index(quantity)]
    assert axes.get_title() == quantity.replace("_", " ")
    assert labelled(axes) and "256" in axes.get_ylabel()
    assert ticks(axes) == ["8", "64", "256"]
    shown = series(axes)
    assert {line.name for line in shown} == set(READINGS)
    for line in shown:
        assert same(line, part(rows, quantity=quantity, reading=line.name))
    assert any(np.all(np.asarray(line.get_ydata()) == 0) for line in axes.lines)


def test_statistics_error() -> None:
    rows = table(
        layer=["norm1", "norm2"],
        quantity=["mean_error", "variance_error"],
        rule=["cumulative", "unbiased"],
        tracker_decay=[0.9],
    )
    rows["tracker_decay"] = rows["tracker_decay"].where(rows["rule"] == "unbiased")
    figure = figures.statistics_error(rows, "m")
    drawn(figure)
    assert len(figure.axes) == 4
    for axes, (layer, quantity) in zip(
        figure.axes,
        [(a, b) for a in ("norm1", "norm2") for b in ("mean_error", "variance_error")],
        strict=True,
    ):
        assert labelled(axes) and axes.get_yscale() == "log"
        assert axes.get_title().startswith(f"{layer}: running {quantity.split('_')[0]}")
        shown = {line.name: line for line in series(axes)}
        assert shown.keys() == {"cumulative", "unbiased 0.9"}
        for name, line in shown.items():
            rule = name.split()[0]
            assert same(line, part(rows, layer=layer, quantity=quantity, rule=rule))


@pytest.mark.parametrize("sign", [1, -1])
def test_running_damage(sign: int) -> None:
    rows = table(rule=["biased", "unbiased"], tracker_decay=[0.9, 0.99], sign=sign)
    figure = figures.running_damage(rows, "m")
    drawn(figure)
    (axes,) = figure.axes
    assert labelled(axes)
    shown = {line.name: line for line in series(axes)}
    assert shown.keys() == {f"{r} {d}" for r in ("biased", "unbiased") for d in (0.9, 0.99)}
    for name, line in shown.items():
        rule, decay = name.split()
        assert same(line, part(rows, rule=rule, tracker_decay=float(decay)))


@pytest.mark.parametrize("which", ["mean", "deviation"])
def test_batch_noise(which: str) -> None:
    rows = pd.DataFrame(
        {
            "layer": np.repeat(["norm1", "norm2"], 3),
            "probe_batch_size": [4, 8, 16] * 2,
            "predicted_mean": np.geomspace(0.01, 0.2, 6),
            "measured_mean": np.geomspace(0.011, 0.19, 6),
            "predicted_deviation": np.geomspace(0.001, 0.02, 6),
            "measured_deviation": np.geomspace(0.0011, 0.021, 6),
        }
    )
    figure = figures.batch_noise(rows)
    drawn(figure)
    axes = figure.axes[["mean", "deviation"].index(which)]
    farthest = {
        "mean": "norm1, m = 4, 0.011 for 0.01",
        "deviation": "norm1, m = 4, 0.0011 for 0.001",
    }
    assert axes.get_title() == (
        f"variance of the batch {which}\nfarthest: {farthest[which]} (+10 %)"
    )
    assert labelled(axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    shown = {str(line.get_label()): line for line in axes.lines}
    for layer in ("norm1", "norm2"):
        of_layer = part(rows, layer=layer)
        assert list(np.asarray(shown[layer].get_xdata())) == of_layer[f"predicted_{which}"].tolist()
        assert list(np.asarray(shown[layer].get_ydata())) == of_layer[f"measured_{which}"].tolist()
    diagonal = axes.lines[-1]
    assert list(np.asarray(diagonal.get_xdata())) == list(np.asarray(diagonal.get_ydata()))


def test_overview() -> None:
    effect = table(LEVELS[:2], quantity=["test_loss", "train_loss"])
    averages = table(reader=["decay 0.9", "decay 0.99"])
    figure = figures.overview(effect, averages, "norm batch size m", 256)
    drawn(figure)
    left, right = figure.axes
    for axes in figure.axes:
        assert labelled(axes) and ticks(axes) == ["8", "64", "256"]
    (line,) = series(left)
    assert same(line, part(effect, quantity="test_loss")) and line.name == "test loss"
    for line, reader in zip(series(right), ("decay 0.9", "decay 0.99"), strict=True):
        assert same(line, part(averages, reader=reader)) and line.name == reader
