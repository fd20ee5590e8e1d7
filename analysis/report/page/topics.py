"""What is folded on the page: the sections of each topic, with the sentences they support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from caviar.analysis.findings.finding import Part, Results
from caviar.analysis.report.answer import headlines, question_1, question_2, with_findings
from caviar.analysis.report.page.section import Section
from caviar.analysis.report.page_order import LEADING


class Topic(NamedTuple):
    """A topic: its id and title, what it holds in words, its sentences and its sections."""

    key: str
    title: str
    holds: str
    headline: str
    sentences: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


TITLES: dict[Part, str] = {
    "regularisation": "Question 1 in full: regularisation",
    "test time": "Question 2 in full: test-time statistics",
    "theory": "Theory: the noise of batch statistics",
    "run": "Configurations, trials, and what papers claim",
}


def topics_of(results: Results, sections: Mapping[str, Section]) -> tuple[Topic, ...]:
    """Every topic with something in it; a sentence is named with the section it rests on."""
    first, second = headlines(results)
    told: dict[Part, tuple[str, list[str]]] = {
        "regularisation": (first, question_1(results)),
        "test time": (second, question_2(results)),
    }
    topics = []
    for part, title in TITLES.items():
        headline, says = told.get(part, ("", []))
        of_finding = dict(with_findings(results, part))
        held = tuple(
            sections[name]
            for name, finding in results.findings.items()
            if finding.part == part and name in sections and name not in LEADING
        )
        sentences = tuple((sentence, of_finding.get(sentence, "")) for sentence in says)
        if held or sentences:
            words = f"{len(sentences)} sentences, " if sentences else ""
            key = part.replace(" ", "-")
            holds = f"({words}{len(held)} {'part' if len(held) == 1 else 'parts'})"
            topics.append(Topic(key, title, holds, headline, sentences, held))
    return tuple(topics)
