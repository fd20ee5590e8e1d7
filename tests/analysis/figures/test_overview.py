"""Figures show what their tables say, with labelled axes and without warnings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from caviar.analysis.figures import decompositions
from caviar.analysis.figures import overview as figures
from caviar.analysis.figures.axes import powers
from caviar.analysis.number_format import MINUS
from tests.analysis.plotted import (
    FACETS,
    LEVELS,
    MANY,
    READINGS,
    drawn,
    labelled,
    panels,
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
            own = [x for x, all_ in ((facet, facets), (reading, readings)) if len(all_) > 1]
            assert same(shown[", ".join(own)], part(rows, reading=reading, facet=facet))


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


def test_many_decays_are_a_map_of_damage() -> None:
    rows = table(rule=["biased", "unbiased"], tracker_decay=MANY)
    rows["mean"] *= np.where(rows["tracker_decay"] > 0.9, -1, 1)
    figure = figures.running_damage(rows, "norm batch size m")
    drawn(figure)
    shown = panels(figure)
    assert [axes.get_title().split(": ")[1] for axes in shown] == ["biased", "unbiased"]
    for axes, rule in zip(shown, ("biased", "unbiased"), strict=True):
        wide = part(rows, rule=rule).pivot(index="tracker_decay", columns="level", values="mean")
        (image,) = axes.images
        assert np.array_equal(np.asarray(image.get_array()), wide.to_numpy())
        low, high = image.get_clim()
        assert low == -high and high >= abs(wide).max(axis=None)
        assert image.origin == "lower"
        assert ticks(axes) == ["8", "64", "256"] and labelled(axes)
        assert [t.get_text() for t in axes.get_yticklabels()] == [f"{decay:g}" for decay in MANY]
        (here,) = part(rows, rule=rule, tracker_decay=0.99, level=64.0).to_dict("records")
        half = (here["high"] - here["low"]) / 2
        written = {(t.get_position(), t.get_text()) for t in axes.texts}
        words = f"{wide.loc[0.99, 64.0]:.2g}\n±{half:.1g}".replace("-", MINUS)
        assert ((1, 3), words) in written
        assert len(axes.texts) == 15


@pytest.mark.parametrize("decays, numbers", [(50, 300), (51, 0)])
def test_a_map_too_dense_for_numbers_has_none(decays: int, numbers: int) -> None:
    many = list(np.linspace(0, 0.99, decays))
    rows = table(rule=["biased", "unbiased"], tracker_decay=many)
    figure = figures.running_damage(rows, "m")
    assert sum(len(axes.texts) for axes in panels(figure)) == numbers
    assert all(len(axes.images) == 1 for axes in panels(figure))


def test_many_decays_are_a_map_of_the_last_layers_errors() -> None:
    rows = table(
        layer=["norm1", "norm2"],
        quantity=["mean_error", "variance_error", "variance_bias"],
        rule=["biased", "unbiased"],
        tracker_decay=MANY,
    )
    figure = figures.statistics_error(rows, "m")
    drawn(figure)
    shown = panels(figure)
    assert len(shown) == 4
    for axes, (quantity, rule) in zip(
        shown,
        [(q, r) for q in ("mean_error", "variance_error") for r in ("biased", "unbiased")],
        strict=True,
    ):
        own = part(rows, layer="norm2", quantity=quantity, rule=rule)
        wide = own.pivot(index="tracker_decay", columns="level", values="mean")
        assert np.array_equal(np.asarray(axes.images[0].get_array()), wide.to_numpy())
        assert axes.get_title() == f"norm2, {quantity.split('_')[0]}: {rule}"


def with_cumulative(rows: pd.DataFrame) -> pd.DataFrame:
    """A cumulative average beside the others: it has no decay."""
    cumulative = table(rule=["cumulative"], tracker_decay=[math.nan])
    return pd.concat([rows, cumulative.assign(mean=7.0)], ignore_index=True)


def test_a_rule_without_decay_is_not_on_the_map_of_decays() -> None:
    rows = with_cumulative(table(rule=["biased", "unbiased"], tracker_decay=MANY))
    figure = figures.running_damage(rows, "m")
    drawn(figure)
    titles = [axes.get_title() for axes in panels(figure)]
    assert titles == ["test loss: biased", "test loss: unbiased"]


def test_many_rules_are_one_map_of_all_averages() -> None:
    rules = ["biased", "debiased", "pytorch", "unbiased"]
    rows = with_cumulative(table(rule=rules, tracker_decay=[0.9, 0.99]))
    figure = figures.running_damage(rows, "norm batch size m")
    drawn(figure)
    (axes,) = panels(figure)
    assert axes.get_title() == "test loss" and axes.get_xlabel() == "norm batch size m"
    names = [t.get_text() for t in axes.get_yticklabels()]
    every = [f"{rule} {decay}" for rule in rules for decay in (0.9, 0.99)]
    assert sorted(names) == sorted(["cumulative", *every])
    shown = np.asarray(axes.images[0].get_array())
    for name, line in zip(names, shown, strict=True):
        rule, _, decay = name.partition(" ")
        own = part(rows, rule=rule)
        own = part(own, tracker_decay=float(decay)) if decay else own
        assert line.tolist() == own["mean"].tolist()


@pytest.mark.parametrize("which", ["mean", "deviation"])
def test_batch_noise(which: str) -> None:
    rows = pd.DataFrame(
        {
            "layer": np.repeat(["norm1", "norm2"], 3),
            "predicted_mean": np.geomspace(0.01, 0.2, 6),
            "measured_mean": np.geomspace(0.011, 0.19, 6),
            "predicted_deviation": np.geomspace(0.001, 0.02, 6),
            "measured_deviation": np.geomspace(0.0011, 0.021, 6),
        }
    )
    figure = figures.batch_noise(rows)
    drawn(figure)
    axes = figure.axes[["mean", "deviation"].index(which)]
    assert axes.get_title() == f"variance of the batch {which}" and labelled(axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    shown = {str(line.get_label()): line for line in axes.lines}
    for layer in ("norm1", "norm2"):
        own = part(rows, layer=layer)
        assert list(np.asarray(shown[layer].get_xdata())) == own[f"predicted_{which}"].tolist()
        assert list(np.asarray(shown[layer].get_ydata())) == own[f"measured_{which}"].tolist()
    diagonal = axes.lines[-1]
    assert list(np.asarray(diagonal.get_xdata())) == list(np.asarray(diagonal.get_ydata()))


def test_overview() -> None:
    penalty, effect = table(), table(LEVELS[:2], quantity=["test_loss", "train_loss"])
    errors = table(quantity=["mean_error", "variance_error"])
    figure = figures.overview(penalty, effect, errors, "norm batch size m", 256)
    drawn(figure)
    left, middle, right = figure.axes
    for axes in figure.axes:
        assert labelled(axes) and ticks(axes) == ["8", "64", "256"]
    assert same(series(left)[0], penalty)
    assert same(series(middle)[0], part(effect, quantity="test_loss"))
    for line, quantity in zip(series(right), ("mean_error", "variance_error"), strict=True):
        assert same(line, part(errors, quantity=quantity))
        assert quantity.split("_")[0] in line.name


def test_no_number_of_a_figure_is_parsed_as_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on logarithmic axes, either way, nor beside colours of one sign or of both."""
    monkeypatch.setattr("matplotlib.mathtext.MathTextParser.parse", None)
    averages: dict[str, Any] = {"rule": ["biased", "unbiased"], "tracker_decay": MANY}
    damage = table(**averages)
    errors = table(layer=["norm1"], quantity=["mean_error", "variance_error"], **averages)
    errors["mean"] *= errors["level"] ** -2
    parts = table(part=["sampling"], layer=["norm1"]).assign(memory=[10.0, 100.0, 1000.0])
    for figure in (
        figures.running_damage(damage, "m"),
        figures.statistics_error(errors, "m"),
        decompositions.error_parts_over_decay(parts),
    ):
        figure.draw_without_rendering()


def test_powers_of_ten_are_characters() -> None:
    """Of both signs, whole and not: what matplotlib would write as formulas."""
    figure = Figure()
    wide, narrow, signed = figure.subplots(1, 3)
    for axes, values in ((wide, (1e-4, 1.0)), (narrow, (2e-3, 7e-3))):
        axes.plot([0, 1], values)
        powers(axes)
    signed.plot([0, 1], [-1.0, 1.0])
    powers(signed, linear_below=0.1)
    figure.draw_without_rendering()
    assert {"10⁻⁴", "10⁻²", "10⁰"} <= {text.get_text() for text in wide.get_yticklabels()}
    minor = {text.get_text() for text in narrow.get_yticklabels(minor=True)}
    assert {"2×10⁻³", "6×10⁻³"} <= minor
    assert {"−10⁰", "−10⁻¹", "0", "10⁰"} <= {text.get_text() for text in signed.get_yticklabels()}
