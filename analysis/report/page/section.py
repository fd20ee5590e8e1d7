"""A section of the page: a finding's words, its figure, and the rows behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.number_format import MINUS, number
from caviar.analysis.report.page.picture import Drawing, Picture

LONG = 60
"""A table of more rows is shown on the page under one reading."""
MOST_ROWS = 60
"""And of that reading at most so many."""
LONG_TEXT = 60
"""A text of more characters is wrapped in its cell."""


class Cell(NamedTuple):
    """A value as shown, as sorted, and its class: text, long text, or a number's none."""

    text: str
    value: str
    kind: str = ""


class Head(NamedTuple):
    """The head of a column: its name and unit, and whether it holds text."""

    name: str
    unit: str
    text: bool


class Section(NamedTuple):
    """What the template shows of a finding; `total` counts the rows that the CSV has."""

    key: str
    title: str
    says: str
    more: str
    caption: str
    alt: str
    code: str
    picture: Picture | None
    opened: bool
    columns: tuple[Head, ...]
    rows: list[list[Cell]]
    total: int


def section_of(
    results: Results, title: str, finding: Finding, folder: Path, drawing: Drawing
) -> Section:
    """The section of a finding; `drawing` may write files of its figure into `folder`."""
    picture = drawing(finding.draw, results, folder / finding.name) if finding.draw else None
    table = results[finding.name] if finding.name in results else pd.DataFrame()
    shown = results.reading(finding.name) if len(table) > LONG else table
    return Section(
        key=finding.name,
        title=title,
        says=finding.says,
        more=finding.more,
        caption=_of_units(finding.caption, results),
        alt=finding.alt,
        code=code_of(results, finding.name),
        picture=picture,
        opened=finding.opened,
        columns=_heads(finding, shown),
        rows=[list(map(cell, row)) for row in shown[:MOST_ROWS].itertuples(index=False)],
        total=len(table),
    )


def _of_units(caption: str, results: Results) -> str:
    """A caption of what is compared: in a random search its intervals are over trials."""
    return caption if results.design.paired else caption.replace("over seeds", "over trials")


def _heads(finding: Finding, table: pd.DataFrame) -> tuple[Head, ...]:
    units = {column.name: column.unit for column in finding.columns}
    numbers = table.select_dtypes(["number"]).columns
    return tuple(
        Head(name, "" if units.get(name) == "text" else units.get(name, ""), name not in numbers)
        for name in table.columns
    )


def code_of(results: Results, name: str) -> str:
    """The lines of Python that compute a table of these results again."""
    beside = [f"caviar.read_run({str(run.where)!r})" for run in results.beside]
    more = f", [{', '.join(beside)}]" if beside else ""
    return (
        "import caviar\n\n"
        f"run = caviar.read_run({str(results.run.where)!r})\n"
        f'caviar.results(run{more})["{name}"]'
    )


def cell(value: Any) -> Cell:
    """A value of a table; one that is missing is a dash, which is sorted as nothing."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        if pd.isna(value):
            return Cell("–", "")
        whole = float(value).is_integer() and abs(value) < 1e15
        text = f"{value:.0f}".replace("-", MINUS) if whole else number(value)
        return Cell(text, f"{value:.9g}")
    text = "" if value is None or value is pd.NA else str(value)
    return Cell(text, text, "long" if len(text) > LONG_TEXT else "t")
