"""Numbers on axes."""

from __future__ import annotations

import pytest

from caviar.analysis.figures.axes import Powers


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "10⁻³"), (1e12, "10¹²"), (-100.0, "\N{MINUS SIGN}10²")]
)
def test_powers_are_characters_and_no_formulas(value: float, text: str) -> None:
    formatter = Powers()
    formatter.create_dummy_axis(minpos=1e-5)
    assert formatter(value) == text
