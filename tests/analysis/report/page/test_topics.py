"""What is folded: every section that is not shown unfolded, once, in the order of the page."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import question_1
from caviar.analysis.report.page.section import section_of
from caviar.analysis.report.page.topics import topics_of
from caviar.analysis.report.page_order import LEADING, OVERVIEW, sections
from tests.analysis.page import not_drawn


def test_every_section_is_in_one_topic(findings: Results) -> None:
    made = {
        finding.name: section_of(findings, title, finding, Path(), not_drawn)
        for title, finding in sections(findings)
        if finding is not OVERVIEW
    }
    topics = topics_of(findings, made)
    held = [section.key for topic in topics for section in topic.sections]
    assert len(held) == len(set(held)) and set(held) == made.keys() - set(LEADING)
    assert [text for text, _ in topics[0].sentences] == question_1(findings)
    assert any(name in made for _, name in topics[0].sentences)
