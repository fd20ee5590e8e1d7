"""Figures of fit, test loss and accuracy show their tables, the tuned draw bold, the gap shaded."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.figures.fit import BOLD, LOSSES, Line, losses_by_draw, side_by_side
from tests.analysis.plotted import drawn, labelled, part, same, series, table, ticks

QUANTITIES = [*LOSSES, "generalisation_gap"]


@pytest.mark.parametrize("facets", [("",), ("activation = relu", "activation = tanh")])
def test_three_losses_on_one_axis(facets: tuple[str, ...]) -> None:
    rows = table(facets=facets, quantity=QUANTITIES)
    figure = side_by_side(rows, "norm batch size m", "averaged over draws")
    drawn(figure)
    for axes, facet in zip(figure.axes, facets, strict=True):
        assert labelled(axes) and ticks(axes) == ["8", "64", "256"]
        assert axes.get_title() == ", ".join(filter(None, (facet, "averaged over draws")))
        assert axes.get_yscale() == "linear" and axes.get_ylim()[0] == 0
        shown = {line.name: line for line in series(axes)}
        assert shown.keys() == set(LOSSES.values())
        for quantity, name in LOSSES.items():
            assert same(shown[name], part(rows, facet=facet, quantity=quantity))


def test_what_is_shaded_lies_between_train_and_test_loss() -> None:
    rows = table(quantity=QUANTITIES)
    (axes,) = side_by_side(rows, "m", "").axes
    (gap,) = [shade for shade in axes.collections if shade.get_label() == "gap"]
    heights = set(map(tuple, np.asarray(gap.get_paths()[0].vertices).tolist()))
    for quantity in ("train_loss", "test_loss"):
        of = part(rows, quantity=quantity)
        assert set(zip(of["level"], of["mean"], strict=True)) <= heights


def lines(count: int) -> list[Line]:
    rows = table(quantity=["test_loss", "test_accuracy"])
    return [
        Line(rows.assign(mean=rows["mean"] * (1 + i)), f"learning_rate {i}", tuned=i == 1)
        for i in range(count)
    ]


@pytest.mark.parametrize("count", [3, 9])
def test_one_line_per_draw_and_the_tuned_one_bold(count: int) -> None:
    made = lines(count)
    figure = losses_by_draw(made, "norm batch size m")
    drawn(figure)
    loss, accuracy = figure.axes
    assert loss.get_ylabel() == "test loss (nats)" and accuracy.get_ylabel() == "test accuracy (%)"
    for axes, quantity, scale in ((loss, "test_loss", 1), (accuracy, "test_accuracy", 100)):
        means = [scale * part(one.rows, quantity=quantity)["mean"].to_numpy(float) for one in made]
        joined = [line for line in axes.lines if line.get_linestyle() != "None"]
        heights = [np.asarray(line.get_ydata(), float) for line in joined]
        assert all(any(np.allclose(mean, height) for height in heights) for mean in means)
        bold = [line for line in axes.lines if line.get_linewidth() == BOLD]
        assert len(bold) == 1 and np.allclose(np.asarray(bold[0].get_ydata(), float), means[1])
    names = [line.name for line in series(loss)]
    assert names == ([one.name for one in made] if count == 3 else ["learning_rate 1"])


def test_a_run_without_draws_has_one_line_and_no_legend() -> None:
    figure = losses_by_draw([Line(table(quantity=["test_loss", "test_accuracy"]), "", False)], "m")
    drawn(figure)
    assert not figure.legends and [line.name for line in series(figure.axes[0])] == [""]
