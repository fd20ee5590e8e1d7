"""Figures that take effects apart show what their tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from caviar.analysis.figures import decompositions
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
        cell = (4.0, 8.0).index(row["probe_batch_size"]), LEVELS.index(row["level"])
        assert shown[cell] == pytest.approx(row["mean"])
    assert ticks(axes) == ["8", "64", "256"]


def test_equivalent_strength() -> None:
    """A column for each regulariser: its strengths above, its differences below."""
    named = {**decompositions.STRENGTHS, **decompositions.DIFFERENCES}
    rows = table(regulariser=("dropout", "weight_decay"), quantity=tuple(named))
    rows = rows[(rows["regulariser"] == "dropout") | (rows["quantity"] != "predicted")]
    figure = decompositions.equivalent_strength(rows, "m")
    drawn(figure)
    strengths, more, differences, _ = panels(figure)
    assert [axes.get_title() for axes in (strengths, more)] == ["dropout", "weight decay"]
    for axes, quantities in (
        (strengths, decompositions.STRENGTHS),
        (differences, decompositions.DIFFERENCES),
    ):
        lines = {one.name: one for one in series(axes)}
        assert lines.keys() == set(quantities.values())
        for quantity, name in quantities.items():
            assert same(lines[name], part(rows, regulariser="dropout", quantity=quantity))
    assert len(series(more)) == 2


def test_best_decay() -> None:
    """Memories and their ranges from decays; the dashed line falls as m^(-1/3)."""
    memory, low, high = ([a, b, c] for a, b, c in ((16, 8, 4), (8, 8, 2), (32, 8, 8)))
    decays = {name: 1 - 1 / np.array(of) for name, of in (("low", low), ("high", high))}
    rows = pd.DataFrame(
        {"facet": "", "layer": "norm1", "level": LEVELS, "memory": memory, **decays}
    )
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


FACETS = ("depth = 2", "depth = 4")


def split(facets: tuple[str, ...]) -> pd.DataFrame:
    rows = table(facets=facets, quantity=tuple(decompositions.PENALTY_NAMES))
    return rows.assign(probe_batch_size=rows["level"])


def parts_of(facets: tuple[str, ...]) -> pd.DataFrame:
    rows = table(facets=facets, part=("sampling", "staleness"), quantity=("mean", "variance"))
    return rows.assign(layer="norm1", predicted=np.nan)


def over_time(facets: tuple[str, ...]) -> pd.DataFrame:
    rows = table(facets=facets, part=("sampling",), step=(10, 20, 40))
    return rows.assign(layer="norm1", quantity="mean")


def decays(facets: tuple[str, ...]) -> pd.DataFrame:
    rows = table(facets=facets, layer=("norm1",)).assign(memory=10.0, low=0.8, high=0.95)
    return rows.drop(columns="mean")


@pytest.mark.parametrize(
    "figure",
    [
        decompositions.penalty_split(split(FACETS), "m"),
        decompositions.error_parts(parts_of(FACETS), "m"),
        decompositions.error_parts_over_time(over_time(FACETS)),
        decompositions.error_parts_over_decay(
            table((64.0,), FACETS, part=("sampling",), memory=(2.0, 10.0, 50.0)).assign(layer="n")
        ),
        decompositions.repairs(
            table(facets=FACETS, statistics=("batch",)), table(facets=FACETS), "m", "unbiased"
        ),
        decompositions.best_decay(decays(FACETS), "m"),
    ],
    ids=["split", "parts", "time", "decay", "repairs", "best"],
)
def test_facets_are_lines_of_their_own(figure: Figure) -> None:
    """Each rises along its axis once, under its own name, and looks like no other."""
    drawn(figure)
    for axes in panels(figure):
        lines = series(axes)
        assert len(lines) % 2 == 0 and len({line.name for line in lines}) == len(lines)
        assert {facet for line in lines for facet in FACETS if facet in line.name} == set(FACETS)
        for line in lines:
            assert line.x == sorted(set(line.x))
        looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines[: len(lines)]}
        assert len(looks) > 1


def test_self_influence_below_zero_is_drawn() -> None:
    rows = split(("",))
    below = rows["quantity"] == "self_influence"
    rows.loc[below, ["mean", "low", "high"]] *= -1
    figure = decompositions.penalty_split(rows, "m")
    drawn(figure)
    (axes,) = figure.axes
    shown = next(line for line in series(axes) if "measured" in line.name)
    low, high = axes.get_ylim()
    assert max(shown.y) < 0 and low < min(shown.y) and high > 0 and axes.get_yscale() == "symlog"


@pytest.mark.parametrize(
    "interval, words",
    [
        ((0.25, 0.2, 0.32), "0.25\n±0.06"),
        ((137.4, 63.0, 305.0), "140\n±100"),
        ((-0.00412, -0.00418, -0.00406), "−0.0041\n±6e−05"),
        ((-4e-5, -1e-3, 1e-3), "≈ 0\n±0.001"),
        ((0.0, 0.0, 0.0), "0\n±0"),
    ],
)
def test_numbers_on_a_map_have_half_their_interval_beneath(
    interval: tuple[float, float, float], words: str
) -> None:
    rows = table((8.0,), probe_batch_size=(4.0,)).assign(quantity="noise_penalty")
    rows = rows.assign(**dict(zip(("mean", "low", "high"), interval, strict=True)))
    (axes,) = panels(decompositions.penalty_matrix(rows, "m"))
    assert [text.get_text() for text in axes.texts] == [words]


def test_a_number_without_an_interval_stands_alone_on_a_map() -> None:
    rows = table((8.0,), probe_batch_size=(4.0,)).assign(quantity="noise_penalty", mean=0.25)
    (axes,) = panels(decompositions.penalty_matrix(rows.assign(low=np.nan), "m"))
    assert [text.get_text() for text in axes.texts] == ["0.25"]
