"""The sections of a page in their order."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.report.beginning import ARMS, SEARCHED
from caviar.analysis.report.page_order import LEADING, OVERVIEW, sections


def test_sections_follow_the_registry_with_the_overview_after_theory(findings: Results) -> None:
    names = [finding.name for _, finding in sections(findings)]
    first, *others = [finding.name for finding in FINDINGS if finding.title]
    others.remove("field_importance")  # It is of random searches alone.
    assert names == [first, OVERVIEW.name, *others]


def test_the_parts_of_a_question_are_lettered_without_a_gap(findings: Results) -> None:
    titles, unlettered = [title for title, _ in sections(findings)], (*LEADING, *SEARCHED, *ARMS)
    for number, part in (("1", "regularisation"), ("2", "test time")):
        of_part = [f for f in FINDINGS if f.part == part and f.title and f.name not in unlettered]
        letters = "abcdefghijklmnopqrstuvwxyz"[: len(of_part)]
        expected = [f"{number}{a}. {f.title}" for a, f in zip(letters, of_part, strict=True)]
        assert [title for title in titles if title.startswith(number)] == expected
    assert titles[0].startswith("Theory") and titles[-1] == "Every trial"
