"""Draws as findings."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.regularization.tuning import TUNING, TUNING_SPREAD


def test_drawn_fields_stand_after_the_draw(findings: Results) -> None:
    table = TUNING.compute(findings)
    assert list(table.columns[3:6]) == ["draw", "learning_rate", "mean"] and TUNING.fields


def test_draws_stand_beside_seeds(findings: Results) -> None:
    assert set(TUNING_SPREAD.compute(findings)["over"]) == {"draws", "seeds"}
