from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from caviar.analysis.figures.axes import style
from caviar.analysis.interventions.curves import losses_while_training
from caviar.analysis.interventions.effects import effects_of_edits
from caviar.analysis.interventions.figures import effects_by_edit, losses_with_edits
from caviar.analysis.interventions.tree import tree_of
from tests.analysis.interventions.made import Made, panda

RUN = panda(
    [Made(0, 20, "learning_rate = 0.03"), Made(1, 40, "reset $2"), Made(1, 60, "decay = 0")]
)


def test_edits_are_marked_where_they_took_effect_and_what_was_undone_is_grey() -> None:
    with style():
        figure = losses_with_edits(losses_while_training(RUN), tree_of(RUN))
    population, running, difference = figure.axes
    for axes in figure.axes:
        marks = [
            np.ravel(line.get_xdata())[0] for line in axes.lines if line.get_linestyle() == ":"
        ]
        assert marks == [20, 60] and [text.get_text().strip() for text in axes.texts] == ["1", "3"]
    names = population.get_legend_handles_labels()[1]
    assert names == [
        "undone, or left aside",
        "without edits",
        "edit 1: learning_rate = 0.03",
        "edit 3: decay = 0",
    ]
    losses = {line.get_label(): line for line in running.lines}
    assert np.asarray(losses["edit 1: learning_rate = 0.03"].get_ydata()) == pytest.approx(
        0.9, abs=0.01
    )
    (curve, *_) = [line for line in difference.lines if str(line.get_label()).startswith("with ")]
    assert np.asarray(curve.get_ydata())[-1] == pytest.approx(-0.3, abs=0.01)
    plt.close(figure)


def test_an_effect_has_a_row_with_its_interval_in_the_panel_of_its_time() -> None:
    effects = effects_of_edits(RUN)
    with style():
        figure = effects_by_edit(effects)
        figure.canvas.draw()
    after, end = figure.axes
    assert (after.get_title(), end.get_title()) == (
        "test loss, one epoch after",
        "test loss, at the end",
    )
    rows = [label.get_text() for label in end.get_yticklabels()]
    assert rows[:2] == ["1: learning_rate = 0.03", r"2: reset \$2"]
    assert rows[-1] == "all edits together"
    population: Any = end.containers[0]
    line, _, (bars,) = population.lines
    table = effects.query(
        "split == 'test' and quantity == 'loss' and statistics == 'population'"
        " and `when` == 'at the end'"
    )
    assert np.asarray(line.get_xdata()) == pytest.approx(table["mean"].to_numpy())
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    assert ends == pytest.approx(table[["low", "high"]].to_numpy())
    earlier: Any = after.containers[0]
    assert len(earlier.lines[0].get_xdata()) == 3  # The total is read at the end alone.
    (word,) = after.texts
    assert (word.get_text(), word.get_position()[1]) == ("not read then", len(rows) - 1)
    assert not end.texts
    plt.close(figure)


def test_the_numbers_of_close_edits_stand_below_each_other() -> None:
    run = panda([Made(0, 40, "learning_rate = 0.03"), Made(1, 41, "dropout = 0.1")])
    with style():
        figure = losses_with_edits(losses_while_training(run), tree_of(run))
    heights = [text.get_position()[1] for text in figure.axes[0].texts]
    assert heights[0] - heights[1] > 0.05
    plt.close(figure)
