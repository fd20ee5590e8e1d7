"""Both ends of a convolution, and how a number is said at both."""

from __future__ import annotations

import math
from dataclasses import replace

from caviar.analysis.theory.advice.action import Action, ends_of, falling
from caviar.analysis.theory.question import Question


def test_positions_of_unknown_worth_have_two_ends() -> None:
    images = Question(4, 0.9, positions=196)
    assert [end.values for end in ends_of(images)] == [4, 784]
    for known in (Question(4, 0.9), replace(images, effective_positions=1.0)):
        assert ends_of(known) == (known,)


def test_a_gain_at_both_ends() -> None:
    assert falling((0.0221,), (1e-4,), "nats") == "falls from 0.022 to 0.0001 nats"
    assert falling((math.inf, 7e-5), (0.5, 1e-6), "nats") == (
        "falls from infinity to 0.5 nats if an image's positions are alike, from 7e-05 to 1e-06 if "
        "they are independent"
    )
    assert falling((0.2,), (0.1,)) == "falls from 0.2 to 0.1"


def test_an_action_is_a_sentence_and_its_gain() -> None:
    assert str(Action("decay", "Set momentum=0.1.", "It falls.")) == "Set momentum=0.1. It falls."
