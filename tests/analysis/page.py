"""A report page taken apart by the standard library."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

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
            self.values[-1][-1].append(attributes.get("data-value") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

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
    def codes(self) -> list[str]:
        """The code blocks that make the tables, in order."""
        return [text for text in self.texts["pre"] if "read_run" in text]


def read_page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))
