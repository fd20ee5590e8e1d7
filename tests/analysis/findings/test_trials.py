"""The trials as a finding."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.trials import TRIALS


def test_it_lists_the_trials_of_every_arm(findings: Results) -> None:
    assert set(TRIALS.compute(findings)["trial_id"]) == set(findings.run.trials["trial_id"])
