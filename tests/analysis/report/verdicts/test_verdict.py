"""Numbers of a verdict: few digits, and none that hides on which side of a bound it lies."""

from __future__ import annotations

import math

import pytest

from caviar.analysis.number_format import MINUS
from caviar.analysis.report.verdicts.verdict import nats, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02461, "0.025"),
        (0.00496, "0.00496"),  # Below the 0.005 nats that count: not 0.005.
        (0.00504, "0.00504"),
        (-0.00496, f"{MINUS}0.00496"),
        (0.004999, "0.004999"),
        (-1e-9, f"{MINUS}1.0e-09".replace("e-", f"e{MINUS}")),
        (0.0, "0"),
    ],
)
def test_two_digits_or_as_many_as_show_the_side(value: float, text: str) -> None:
    assert short(value) == text


def test_nats_with_and_without_an_interval() -> None:
    assert nats(0.0249, 0.0178, 0.0302) == "0.025 nats [0.018, 0.03]"
    assert nats(0.0249, math.nan, math.nan) == "0.025 nats (too few for an interval)"
