"""The lines of a verification, and how many of them are faults."""

from __future__ import annotations

from caviar.runner.verify.findings import Findings


def test_every_line_says_which_kind_it_is_and_only_faults_count() -> None:
    findings = Findings()
    findings.good("as planned")
    findings.aside("not looked at")
    findings.check(True, "whole", "torn")
    findings.check(False, "there", "missing")
    assert findings.lines == [
        "ok     as planned",
        "--     not looked at",
        "ok     whole",
        "FAULT  missing",
    ]
    assert findings.faults == 1
