"""The scorecard as a finding."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.scorecard import SCORECARD
from caviar.analysis.scorecard.verdicts import OUTCOMES


def test_every_claim_has_a_verdict_and_a_unit(findings: Results) -> None:
    table = SCORECARD.compute(findings)
    assert set(table["verdict"]) <= set(OUTCOMES)
    assert table["unit"].map(bool).all() and SCORECARD.opened
