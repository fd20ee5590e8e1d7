"""A report page taken apart by the standard library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.report.beginning import ARMS
from caviar.analysis.report.page.topics import TITLES
from caviar.analysis.report.page_order import LEADING, sections
from caviar.analysis.report.write import write_report
from caviar.analysis.run.comparison import NoComparison

Attributes = dict[str, str | None]


class Page(HTMLParser):
    """Elements, texts, code blocks and tables of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: dict[str, list[str]] = {}
        self.tables: list[list[list[str]]] = []
        self.values: list[list[list[str]]] = []
        self._open: list[str] = []
        self._value: str | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in ("meta", "img", "br", "link", "input"):
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")
        if tag == "table":
            self.tables.append([])
            self.values.append([])
        elif tag == "tr":
            self.tables[-1].append([])
            self.values[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.values[-1][-1].append("")
            self._value = attributes.get("data-v")

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()
        if tag in ("td", "th"):
            shown = self.tables[-1][-1][-1]
            self.values[-1][-1][-1] = shown if self._value is None else self._value

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data
        if "td" in self._open or "th" in self._open:
            self.tables[-1][-1][-1] += data

    @property
    def whole(self) -> bool:
        """Whether everything that was opened was closed."""
        return not self._open

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def behind(self) -> list[list[list[str]]]:
        """The tables behind the sections, without the one of sizes that the page begins with."""
        return [table for table in self.tables if not table[0][0].startswith(("m:", "B:"))]

    @property
    def codes(self) -> list[str]:
        """The code blocks that make the tables, in order."""
        return [text for text in self.texts.get("pre", []) if "read_run" in text]


def read_page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def not_drawn(draw: Callable[[Results], Figure], results: Results, path: Path) -> None:
    """A drawing for tests of words and tables: no figure is drawn, and the page shows none."""


def page_without_figures(
    results: Results | NoComparison, folder: Path, integrity: tuple[str, ...] = ()
) -> Page:
    """The page of a report whose figures are not drawn, which takes most of a report's time."""
    return read_page(write_report(results, folder, integrity, not_drawn).parent)


def in_page_order(findings: Sequence[Finding]) -> list[Finding]:
    """Findings as their sections follow on the page of a study with control arms: the arms, the
    unfolded ones, then by topic."""
    by_name = {finding.name: finding for finding in findings}
    leading = [by_name.pop(name) for name in (*ARMS, *LEADING) if name in by_name]
    return [*leading, *(f for part in TITLES for f in by_name.values() if f.part == part)]


def has_section(results: Results, name: str) -> bool:
    """Whether the page has a section of this table: asked of it alone, no other is computed."""
    alone = replace(results, findings={name: results.findings[name]})
    return name in [finding.name for _, finding in sections(alone)]


def run_code(code: str) -> Any:
    """What the last line of a code block of the page gives."""
    *before, last = code.splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(before), names)
    return eval(last, names)
