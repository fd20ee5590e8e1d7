"""As many dimensions as a study can have, each with as many odd numbers as its polynomial needs."""

from __future__ import annotations

from caviar.runner.config import TrialConfig
from caviar.runner.study.sequences.direction_numbers import DIRECTION_NUMBERS


def test_every_field_of_a_trial_may_be_drawn_at_once() -> None:
    assert len(TrialConfig.model_fields) <= 1 + len(DIRECTION_NUMBERS)


def test_numbers_are_odd_and_below_their_power_of_two() -> None:
    for polynomial, *numbers in DIRECTION_NUMBERS:
        assert len(numbers) == polynomial.bit_length() - 1
        assert all(n % 2 and n < 2 << i for i, n in enumerate(numbers))
