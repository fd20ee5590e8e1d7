"""Numbers and answers as a terminal shows them."""

from __future__ import annotations

import math

import pytest

from caviar.analysis.theory.advice.framework_words import PLAIN
from caviar.analysis.theory.advice.text import FEW, shown, span, text
from caviar.analysis.theory.advise import advise
from caviar.analysis.theory.question import Question

INFINITY = math.inf


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (INFINITY, "infinite"),
        (-INFINITY, "-infinite"),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.5e-7, "1.5e-07"),
        (2.97e-11, "0"),
        (12345.6, "12,346"),
        (-0.0645, "-0.0645"),
    ],
)
def test_numbers_as_they_are_shown(value: float, words: str) -> None:
    assert shown(value) == words


def test_the_changes_stand_above_the_numbers() -> None:
    advice = advise(Question(2, 0.99, steps=60), PLAIN)
    short, whole = (text(["Asked."], advice, "Rule.", everything) for everything in (False, True))
    first, do, numbers, rest = short.split("\n\n")
    assert first == "Asked." and do.startswith("What to do\n1. ")
    assert len(advice.actions) > FEW
    assert (do.count("\n3. "), do.count("\n4. "), whole.count("\n4. ")) == (1, 0, 1)
    assert len(numbers.splitlines()) == len(advice.key_numbers)
    assert rest.startswith("Rule.\n") and f"{len(advice.numbers) - 6} numbers" in rest
    for number in advice.numbers:
        assert f"{span(number)} {number.unit}" in whole


def test_both_ends_of_a_convolution_are_shown() -> None:
    numbers = {n.key: n for n in advise(Question(4, 0.9, positions=9), PLAIN).numbers}
    assert span(numbers["equivalent_dropout"]) == "0.273 to 0.04"
    assert span(numbers["lag"]) == "9"
