"""The noise of batch statistics as a finding."""

from __future__ import annotations

from caviar.analysis.findings.batch_noise import BATCH_NOISE, WHAT
from caviar.analysis.findings.finding import Results


def test_every_quantity_is_measured_predicted_and_has_both_ends() -> None:
    names = [column.name for column in BATCH_NOISE.columns]
    for quantity in WHAT:
        for of in ("measured", "predicted", "low", "high"):
            assert f"{of}_{quantity}" in names


def test_measured_and_predicted_have_one_unit(findings: Results) -> None:
    units = {column.name: column.unit for column in BATCH_NOISE.columns}
    assert list(units) == list(findings["batch_noise"].columns)
    for quantity, (unit, _) in WHAT.items():
        assert units[f"measured_{quantity}"] == units[f"predicted_{quantity}"] == unit
