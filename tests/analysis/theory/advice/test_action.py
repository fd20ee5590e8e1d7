"""Both ends of a convolution, and how a number is said at both."""

from __future__ import annotations

import math
from dataclasses import replace

from caviar.analysis.theory.advice.action import Action, either, ends_of
from caviar.analysis.theory.question import Question


def test_positions_of_unknown_worth_have_two_ends() -> None:
    images = Question(4, 0.9, positions=196)
    assert [end.values for end in ends_of(images)] == [4, 784]
    for known in (Question(4, 0.9), replace(images, effective_positions=1.0)):
        assert ends_of(known) == (known,)


def test_numbers_at_both_ends() -> None:
    assert either((0.0221,)) == "0.022"
    assert either((0.0221, 7e-5)) == "0.022 (7e-05 if all positions are independent)"
    assert either((math.inf,)) == "infinity"


def test_an_action_is_a_sentence_and_its_gain() -> None:
    assert str(Action("decay", "Set momentum=0.1.", "It falls.")) == "Set momentum=0.1. It falls."
