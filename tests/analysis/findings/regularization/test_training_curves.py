"""Training curves are a section where more than one step was recorded."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.regularization.training_curves import TRAINING_CURVES


def test_the_table_has_its_declared_columns(findings: Results) -> None:
    declared = [column.name for column in TRAINING_CURVES.columns]
    assert list(findings["training_curves"].columns) == declared
