"""Numbers and intervals in words."""

from __future__ import annotations

import math

import pytest

from caviar.analysis.number_format import literal, number, with_interval

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0213, "0.0213"),
        (0.02135001, "0.0214"),
        (-0.0213, f"{MINUS}0.0213"),
        (1.0, "1"),
        (123.456, "123"),
        (0.000123456, "0.000123"),
        (0.0000123, "1.2e" + MINUS + "05"),
        (-1.23e-9, f"{MINUS}1.2e{MINUS}09"),
        (123456.0, "1.2e+05"),
        (math.nan, "?"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(1234.0, "1234"), (1000.0, "1000"), (-0.0, "0")])
def test_number_of_thousands_and_of_nothing(value: float, text: str) -> None:
    assert number(value) == text


def interval(mean: float, low: float, high: float) -> dict[str, float]:
    return {"mean": mean, "low": low, "high": high}


def test_an_interval_in_words() -> None:
    row = interval(0.021, 0.016, 0.026)
    assert with_interval(row) == "0.021 [0.016, 0.026]"
    assert with_interval(row, signed=True) == "+0.021 [0.016, 0.026]"
    row = interval(-0.021, -0.026, -0.016)
    assert with_interval(row, signed=True) == f"{MINUS}0.021 [{MINUS}0.026, {MINUS}0.016]"
    assert with_interval(interval(0, -1, 1), signed=True) == f"0 [{MINUS}1, 1]"
    too_few = interval(0.5, math.nan, math.nan)
    assert with_interval(too_few) == "0.5 (too few for an interval)"
    assert with_interval(too_few, " nats") == "0.5 nats (too few for an interval)"
    assert with_interval(interval(0.5, 0.25, 1.0), " nats") == "0.5 [0.25, 1] nats"


def test_a_name_of_the_user_s_is_one_line_of_no_mathematics() -> None:
    assert literal("a $x$\nb\x1b") == r"a \$x\$ b\x1b"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0018, "1.002"), (0.99996, "0.99996"), (1.0, "1"), (1.00000004, "1.00000004"), (1.5, "1.5")],
)
def test_no_rounding_hides_on_which_side_of_a_bound_a_number_lies(value: float, text: str) -> None:
    """The referee's end of 1.0018 was printed as 1 beside "theory expects 1"."""
    assert number(value, (1.0, -math.inf)) == text
    row = {"mean": 1.07, "low": value, "high": 1.9}
    assert with_interval(row, beside=(1.0,)) == f"1.07 [{text}, 1.9]"
