"""Every finding says what its columns are."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd

from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.findings.registry import BY_NAME, FINDINGS


def names_of(finding: Finding) -> list[str]:
    return [column.name for column in finding.columns]


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(FINDINGS) == 38
    for finding in FINDINGS:
        assert max(Counter(names_of(finding)).values()) == 1, finding.name


def test_every_column_has_a_unit_and_a_sentence() -> None:
    bad = [
        (finding.name, column.name)
        for finding in FINDINGS
        for column in finding.columns
        if not column.unit
        or not column.range
        or not column.says.endswith(".")
        or not column.says[:1].strip()
    ]
    assert not bad


def test_every_column_is_declared_and_every_declared_one_occurs(findings: Results) -> None:
    """In their order; config fields of the study may stand between them where that is said."""
    for finding in FINDINGS:
        occurring = list(findings[finding.name].columns)
        declared = names_of(finding)
        assert [name for name in occurring if name in declared] == declared, finding.name
        fields = {name for name in occurring if name not in declared}
        assert fields <= set(findings.run.trials.columns), finding.name
        assert bool(fields) == bool(finding.fields), finding.name


ENDS = {"0 to 1": (0, 1), "0 or more": (0, math.inf), "1 or more": (1, math.inf)}
"""Ranges that numbers are held to."""


def test_no_value_lies_outside_the_range_that_is_said(findings: Results) -> None:
    outside = []
    for finding in FINDINGS:
        table = findings[finding.name]
        for column in finding.columns:
            low, high = ENDS.get(column.range, (-math.inf, math.inf))
            numbers = pd.to_numeric(table[column.name], errors="coerce")
            if not numbers.dropna().between(low, high).all():
                outside.append(f"{finding.name}.{column.name}: {numbers.min()} to {numbers.max()}")
    assert not outside


def test_a_section_of_the_page_is_whole() -> None:
    for finding in FINDINGS:
        assert finding.says.endswith("."), finding.name
        assert bool(finding.draw) == bool(finding.caption) == bool(finding.alt), finding.name
