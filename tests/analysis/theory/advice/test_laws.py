"""Every number has words, a unit, a law and a check that this project makes."""

from __future__ import annotations

from caviar.analysis.theory.advice import laws
from caviar.analysis.theory.advice.laws import KEY_NUMBERS, LAWS
from caviar.analysis.theory.advise import advise
from caviar.analysis.theory.question import Question

KERAS = Question(16, 0.99, second="biased", epsilon=1e-3)


def test_a_number_says_what_it_is_and_how_it_was_checked() -> None:
    allowed = {laws.EXACT, laws.SIMULATED, laws.MEASURED, laws.THEORY, laws.MINIMISED}
    for number in advise(KERAS).numbers:
        assert tuple(LAWS[number.key]) == (
            *(number.words, number.unit, number.source, number.checked),
        )
        assert number.checked in allowed


def test_the_numbers_that_decisions_rest_on_are_laws() -> None:
    assert {
        key.format(way=way) for key in KEY_NUMBERS for way in ("independent", "shuffled")
    } <= set(LAWS)
