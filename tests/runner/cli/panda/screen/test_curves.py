"""Curves: where their dots lie, and that no peak is lost between two of them."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.runner.cli.panda.screen.curves import Curve, Window, canvas, drawn
from caviar.runner.cli.panda.screen.signs import Signs

UNIT = Window(0, 8, 0, 1, logarithmic=False)


def curve(steps: list[float], values: list[float], dotted: bool = False) -> Curve:
    return Curve(np.array(steps), np.array(values), "", "*", dotted)


def test_a_straight_line_fills_the_diagonal() -> None:
    dots = canvas(curve([0, 8], [0, 1]), UNIT, rows=9, columns=8)
    for column in range(8):
        assert np.flatnonzero(dots[::-1, column]).tolist() == [column, column + 1]


def test_a_peak_between_two_dots_is_drawn_to_its_top() -> None:
    dots = canvas(curve([0, 3.49, 3.5, 3.51, 8], [0, 0, 1, 0, 0]), UNIT, rows=5, columns=4)
    assert dots.sum(0).tolist() == [1, 5, 1, 1]


def test_nothing_is_drawn_where_a_value_is_not_finite_or_after_the_last() -> None:
    dots = canvas(curve([0, 1.9, 4, 6], [0.5, 0.5, np.nan, np.nan]), UNIT, rows=3, columns=8)
    assert dots.any(0).tolist() == [True, True] + [False] * 6
    assert not canvas(curve([0, 4], [np.nan, np.inf]), UNIT, rows=3, columns=8).any()


def test_a_dotted_curve_has_every_other_dot() -> None:
    dots = canvas(curve([0, 8], [0.5, 0.5], dotted=True), UNIT, rows=3, columns=8)
    assert dots.any(0).tolist() == [True, False] * 4


def test_equal_ratios_are_equal_heights_on_a_logarithmic_axis() -> None:
    window = Window(0, 1, 0.01, 1, logarithmic=True)
    heights = window.height_of(np.array([1e-9, 0.01, 0.1, 1, 5]))
    assert heights == pytest.approx([0, 0, 0.5, 1, 1])
    assert window.value_at(0.5) == pytest.approx(0.1)


def test_braille_has_eight_dots_in_a_sign_and_ascii_one() -> None:
    line = curve([0, 8], [1, 1])
    assert [text.plain for text in drawn([line], UNIT, 4, 2, Signs(True))] == ["⠉⠉⠉⠉", "    "]
    assert [text.plain for text in drawn([line], UNIT, 4, 2, Signs(False))] == ["****", "    "]


def test_the_last_curve_lies_on_top() -> None:
    below = Curve(np.array([0, 8]), np.array([1.0, 1.0]), "yellow", ".")
    (line, _) = drawn([below, curve([0, 3.9], [1, 1])], UNIT, 4, 2, Signs(False))
    assert line.plain == "**.."
