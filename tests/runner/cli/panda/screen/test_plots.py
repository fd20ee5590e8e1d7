"""Axes around all values, marks at every edit, a legend of what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.runner.cli.panda.screen.curves import Curve
from caviar.runner.cli.panda.screen.plots import edits, futures, legend, plot, window_of
from caviar.runner.cli.panda.screen.signs import Signs
from tests.runner.cli.panda.screen.made import MadePanda, edited

BRAILLE = Signs(True)


def of_values(*values: float) -> Curve:
    return Curve(np.arange(len(values)), np.array(values), "", "*")


def test_a_loss_has_round_numbers_around_it() -> None:
    window = window_of([of_values(2.3, 0.17)], "loss", 100)
    assert window is not None
    assert (window.low, window.high, window.logarithmic) == pytest.approx((0.15, 3, True))


def test_an_accuracy_has_multiples_of_five_per_cent_around_it() -> None:
    window = window_of([of_values(0.12, 0.971)], "accuracy", 100)
    assert window is not None and (window.low, window.high) == pytest.approx((0.10, 1.0))


def test_a_loss_that_leaves_for_infinity_does_not_flatten_the_twin() -> None:
    window = window_of([of_values(2, 1), of_values(2, 1e12, np.inf)], "loss", 100)
    assert window is not None and window.high == pytest.approx(20)


def test_without_a_value_it_says_so() -> None:
    assert window_of([of_values(np.nan)], "loss", 100) is None
    lines = plot(MadePanda().view(), "train train-mode", "accuracy", 0, 40, 6, BRAILLE)
    assert len(lines) == 6 and "no accuracy yet" in lines[0].plain


def test_every_edit_of_the_panda_is_marked_at_its_step() -> None:
    panda = edited()
    panda.ask("set learning_rate=0.05", "screen")
    view = panda.view()
    assert edits(view) == [600, 1200]
    axis = plot(view, "validation running", "loss", 0, 69, 6, BRAILLE)[-1].plain
    inside = axis[axis.index("└") + 1 :]
    assert [i / 62 for i, sign in enumerate(inside) if sign == "▲"] == pytest.approx(
        [600 / 2400, 1200 / 2400], abs=1 / 62
    )


def test_a_legend_names_what_is_drawn() -> None:
    panda = MadePanda().advance(240)
    assert legend(panda.view(), 0, BRAILLE).plain == " ⠂⠂ twin"
    panda.ask("set learning_rate=0.2", "screen")
    panda.ask("fork", "screen")
    panda.ask("set learning_rate=0.4", "screen")
    view = panda.advance(240).view()
    assert futures(view, 0) == [1] and futures(view, 1) == []
    assert legend(view, 0, Signs(False)).plain == " ** panda .. twin ++ other forks"
    assert legend(view, 1, Signs(False)).plain == " ** panda .. parent"
