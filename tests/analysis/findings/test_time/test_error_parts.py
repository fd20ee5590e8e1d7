"""The parts of an error as findings."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.error_parts import ERROR_PARTS, ERROR_PARTS_OVER_DECAY


def test_over_decay_is_a_part_of_the_whole_table(findings: Results) -> None:
    whole, some = (finding.compute(findings) for finding in (ERROR_PARTS, ERROR_PARTS_OVER_DECAY))
    assert list(some.columns) == [*whole.columns, "memory"]
    assert 0 < len(some) < len(whole)
