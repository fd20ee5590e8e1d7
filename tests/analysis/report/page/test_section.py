"""Cells of a table as they are shown and sorted."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from caviar.analysis.report.page.section import Cell, cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (8.0, Cell("8", "8")),
        (256, Cell("256", "256")),
        (0.0213456, Cell("0.0213", "0.0213456")),
        (-0.5, Cell("\N{MINUS SIGN}0.5", "-0.5")),
        (math.nan, Cell("–", "")),
        (True, Cell("True", "True", "t")),
        ("", Cell("", "", "t")),
        ("a < b", Cell("a < b", "a < b", "t")),
        ("a" * 61, Cell("a" * 61, "a" * 61, "long")),
        (None, Cell("", "", "t")),
        (pd.NA, Cell("", "", "t")),
    ],
)
def test_a_cell(value: object, shown: Cell) -> None:
    assert cell(value) == shown


def test_a_whole_number_below_zero_has_a_minus_sign() -> None:
    assert cell(-2.0).text == "\N{MINUS SIGN}2"
