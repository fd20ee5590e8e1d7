"""Figures of odd tables: without intervals, below zero, with holes, or with nothing at all."""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from caviar.analysis.figures import overview as figures
from tests.analysis.plotted import (
    FACETS,
    LEVELS,
    MANY,
    READINGS,
    drawn,
    panels,
    part,
    series,
    table,
    ticks,
)

ERRORS: dict[str, Any] = {"layer": ["norm1"], "quantity": ["mean_error", "variance_error"]}
FEW: dict[str, Any] = {"rule": ["biased", "unbiased"], "tracker_decay": [0.9]}
MAPS: dict[str, Any] = {"rule": ["biased", "unbiased"], "tracker_decay": MANY}
EFFECTS: dict[str, Any] = {"quantity": ["train_loss", "test_loss"]}


def every_figure(penalty: pd.DataFrame, effect: pd.DataFrame, errors: pd.DataFrame) -> list[Figure]:
    damage = errors[errors["quantity"] == "mean_error"]
    return [
        figures.overview(effect, damage.assign(reader=damage["rule"]), "m", 256),
        figures.noise_penalty(penalty, "m", "m"),
        figures.effect_of_size(effect, "m", 256),
        figures.statistics_error(errors, "m"),
        figures.running_damage(damage, "m"),
    ]


def without_intervals(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(low=math.nan, high=math.nan)


@pytest.mark.parametrize(
    ("trackers", "readings"), [(FEW, READINGS[:1]), (FEW, READINGS), (MAPS, READINGS)]
)
def test_means_without_intervals(trackers: dict[str, Any], readings: tuple[str, ...]) -> None:
    penalty = without_intervals(table(readings=readings))
    effect = without_intervals(table(LEVELS[:2], readings=readings, **EFFECTS))
    errors = without_intervals(table(**ERRORS, **trackers))
    for figure in every_figure(penalty, effect, errors):
        drawn(figure)
    for line in series(figures.noise_penalty(penalty, "m", "m").axes[0]):
        assert line.y == part(penalty, reading=line.name or readings[0])["mean"].tolist()
        assert line.low == line.y == line.high


@pytest.mark.parametrize("readings", [READINGS[:1], READINGS])
def test_one_level(readings: tuple[str, ...]) -> None:
    one = (8.0,)
    penalty, effect = table(one, readings=readings), table(one, readings=readings, **EFFECTS)
    for figure in every_figure(penalty, effect, table(one, **ERRORS, **FEW)):
        drawn(figure)


def test_one_mean_is_missing() -> None:
    rows = table()
    rows.loc[0, ["mean", "low", "high"]] = math.nan
    errors = table(**ERRORS, **MAPS)
    errors.loc[0, ["mean", "low", "high"]] = math.nan
    for figure in every_figure(rows, table(LEVELS[:2], **EFFECTS), errors):
        drawn(figure)
    (axes,) = figures.noise_penalty(rows, "m", "m").axes
    assert ticks(axes) == ["8", "64", "256"]
    (line,) = series(axes)
    assert math.isnan(line.y[0]) and line.y[1:] == rows["mean"].tolist()[1:]


def test_some_penalties_below_zero() -> None:
    rows = table(readings=READINGS)
    flip = rows["level"] == 256
    rows.loc[flip, ["mean", "low", "high"]] *= -1
    figure = figures.noise_penalty(rows, "m", "m")
    drawn(figure)
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert list(np.asarray(dashed[0].get_xdata())) == [8, 64]


def test_intervals_that_reach_below_zero_on_a_log_axis() -> None:
    rows = table()
    rows["low"] = -0.1
    drawn(figures.noise_penalty(rows, "m", "m"))


def test_all_penalties_below_zero() -> None:
    drawn(figures.noise_penalty(table(readings=READINGS, sign=-1), "m", "m"))


def test_a_single_line_of_penalties_below_zero() -> None:
    drawn(figures.noise_penalty(table(sign=-1), "m", "m"))


def test_a_single_line_needs_no_legend() -> None:
    figure = figures.effect_of_size(table(LEVELS[:2], **EFFECTS), "m", 256)
    drawn(figure)
    assert all(axes.get_legend() is None for axes in figure.axes)
    figure = figures.effect_of_size(table(LEVELS[:2], readings=READINGS, **EFFECTS), "m", 256)
    assert all(axes.get_legend() is not None for axes in figure.axes)


def test_ten_lines_are_drawn() -> None:
    """More than there are colours."""
    facets = [f"depth = {i}" for i in range(10)]
    figure = figures.noise_penalty(table(facets=facets), "m", "m")
    drawn(figure)
    assert {line.name for line in series(figure.axes[0])} == set(facets)


def test_a_whole_level_is_missing_on_the_map() -> None:
    rows = table(**MAPS)
    rows.loc[rows["level"] == 8, "mean"] = math.nan
    figure = figures.running_damage(rows, "m")
    drawn(figure)
    assert all(ticks(axes)[-2:] == ["64", "256"] for axes in panels(figure))


def test_damage_of_nothing_is_a_map_of_zeros() -> None:
    drawn(figures.running_damage(table(**MAPS).assign(mean=0.0), "m"))


@pytest.mark.parametrize("which", ["running_damage", "statistics_error"])
def test_facets_are_not_joined_into_one_line(which: str) -> None:
    rows = table(facets=FACETS, **(ERRORS if which == "statistics_error" else {}), **FEW)
    for axes in getattr(figures, which)(rows, "m").axes:
        for line in series(axes):
            assert line.x == sorted(set(line.x))


def test_facets_are_not_averaged_on_a_map() -> None:
    rows = table(facets=FACETS, **MAPS)
    rows.loc[rows["facet"] == FACETS[1], "mean"] *= 1000
    shown = {
        float(value)
        for axes in panels(figures.running_damage(rows, "m"))
        for value in np.asarray(axes.images[0].get_array()).ravel()
    }
    assert shown <= set(rows["mean"])


def test_no_nan_is_written_into_a_map() -> None:
    rows = table(**MAPS)
    rows.loc[0, "mean"] = math.nan
    figure = figures.running_damage(rows, "m")
    assert all("nan" not in text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.mark.parametrize(
    "averages",
    [
        {"rule": ["biased", "unbiased", "debiased"], "tracker_decay": MANY},
        {"rule": ["caffe", "keras-3", "pytorch", "theano", "tensorflow-layers"]}
        | {"tracker_decay": [0.9, 0.99]},
    ],
)
def test_numbers_on_a_map_do_not_run_into_their_neighbours(averages: dict[str, Any]) -> None:
    """At eight sizes, each as long as one can be."""
    sizes = tuple(2.0**power for power in range(1, 9))
    rows = table(sizes, **averages).assign(mean=-0.00018, low=-0.00066, high=0.00013)
    figure = figures.running_damage(rows, "m")
    figure.draw_without_rendering()
    for axes in panels(figure):
        for _, row in groupby(axes.texts, key=lambda text: text.get_position()[1]):
            places = [text.get_window_extent() for text in row]
            assert len(places) == len(sizes)
            assert all(left.x1 < right.x0 for left, right in pairwise(places))


def test_a_map_of_nothing() -> None:
    rows = table(**MAPS).assign(mean=math.nan)
    drawn(figures.running_damage(rows, "m"))


@pytest.mark.parametrize("trackers", [FEW, MAPS])
def test_errors_of_zero(trackers: dict[str, Any]) -> None:
    rows = table(**ERRORS, **trackers).assign(mean=0.0, low=0.0, high=0.0)
    drawn(figures.statistics_error(rows, "m"))


def test_overview_without_batch_norm() -> None:
    nothing = pd.DataFrame(columns=["reader", "facet", "level", "mean", "low", "high"])
    drawn(figures.overview(table(LEVELS[:2], **EFFECTS), nothing, "m", 256))


def test_facets_differ_in_the_overview() -> None:
    averages = table(facets=FACETS, reader=["decay 0.9", "decay 0.99"])
    figure = figures.overview(table(LEVELS[:2], facets=FACETS, **EFFECTS), averages, "m", 256)
    looks = []
    for container in figure.axes[1].containers:
        assert isinstance(container, ErrorbarContainer)
        line = container.lines[0]
        looks.append((line.get_color(), line.get_marker(), str(line.get_linestyle())))
    assert len(looks) == len(set(looks)) == 4


def test_eleven_layers_are_in_order() -> None:
    layers = [f"norm{i}" for i in range(1, 12)]
    rows = table(layer=layers, quantity=["mean_error", "variance_error"], **FEW)
    figure = figures.statistics_error(rows, "m")
    assert [axes.get_title().split(":")[0] for axes in figure.axes[::2]] == layers


@pytest.mark.parametrize("shared", [["biased", "debiased", "unbiased"], []])
def test_facets_with_averages_of_their_own(shared: list[str]) -> None:
    parts = [
        table(facets=[f"convention = {rule}"], rule=[*shared, rule], tracker_decay=MANY)
        for rule in ("keras-3", "pytorch")
    ]
    drawn(figures.running_damage(pd.concat(parts, ignore_index=True), "m"))


def test_an_endless_interval_is_drawn() -> None:
    rows = table(readings=READINGS)
    rows.loc[0, "high"] = math.inf
    rows.loc[1, "low"] = -math.inf
    drawn(figures.noise_penalty(rows, "m", "m"))
    drawn(figures.running_damage(rows.assign(rule="unbiased", tracker_decay=0.9)[:3], "m"))
