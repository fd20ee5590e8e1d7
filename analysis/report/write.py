"""Tables and figures to files and one HTML page that loads nothing from outside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.number_format import CONTROLS, MINUS, number
from caviar.analysis.report.answer import about, headlines, question_1, question_2
from caviar.analysis.report.figure_files import Drawing, figure_files
from caviar.analysis.report.glossary import GLOSSARY
from caviar.analysis.report.integrity import checks, verdict
from caviar.analysis.report.not_claimed import not_claimed
from caviar.analysis.report.page_order import sections
from caviar.analysis.run.comparison import NoComparison

QUESTIONS = (
    "Question 1: how mini-batch size changes regularisation",
    "Question 2: how it changes test-time statistics",
)


LONG = 200
"""A table of more rows is shown on the page under one reading."""

LEGIBLE = 0.72
"""On a phone a figure is not drawn smaller than this share of its size: it is scrolled."""


class Cell(NamedTuple):
    """A value as shown, as sorted, and whether it is a number."""

    text: str
    value: str
    number: bool


def write_report(
    results: Results | NoComparison,
    folder: Path,
    integrity: Sequence[str] = (),
    drawing: Drawing = figure_files,
) -> Path:
    """Write tables (CSV), figures (SVG, PNG, PDF) and the page; returns the page's path.

    `integrity` holds the lines that verifying the run printed, one per check (`ok     ...`,
    `FAULT  ...`); where it is empty, the page says that the run was not verified. `drawing` draws
    each figure and writes its files.
    """
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    parts = [] if isinstance(results, NoComparison) else _written(results, folder, drawing)
    page = folder / "index.html"
    written = _page(results, parts, integrity).translate(CONTROLS)
    page.write_text(written, encoding="utf-8", errors="backslashreplace")  # paths may be no text
    return page


def _written(results: Results, folder: Path, drawing: Drawing) -> list[dict[str, Any]]:
    """Write the tables and figures of a comparison; returns the sections of its page."""
    for name, table in results.tables().items():
        if len(table.columns):
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    figures = folder / "figures"
    return [
        _section(results, title, finding, figures, drawing) for title, finding in sections(results)
    ]


def _section(
    results: Results, title: str, finding: Finding, folder: Path, drawing: Drawing
) -> dict[str, Any]:
    image, width = "", 0.0
    if finding.draw:
        image, width = drawing(finding.draw, results, folder / finding.name)
    table = results[finding.name] if finding.name in results else pd.DataFrame()
    shown = results.reading(finding.name) if len(table) > LONG else table
    return {
        "key": finding.name,
        "title": title,
        "says": finding.says,
        "caption": finding.caption,
        "alt": finding.alt,
        "code": code_of(results, finding.name),
        "image": image,
        "least": f"{LEGIBLE * width:.0f}px",
        "opened": finding.opened,
        "columns": list(shown.columns),
        "total": len(table),
        "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)],
    }


def code_of(results: Results, name: str) -> str:
    """The lines of Python that compute a table of these results again."""
    beside = [f"caviar.read_run({str(run.where)!r})" for run in results.beside]
    more = f", [{', '.join(beside)}]" if beside else ""
    return (
        "import caviar\n\n"
        f"run = caviar.read_run({str(results.run.where)!r})\n"
        f'caviar.results(run{more})["{name}"]'
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, float | int) and not isinstance(value, bool):
        if pd.isna(value):
            return Cell("–", "", True)
        whole = float(value).is_integer() and abs(value) < 1e15
        text = f"{value:.0f}".replace("-", MINUS) if whole else number(value)
        return Cell(text, repr(float(value)), True)
    text = "" if value is None or value is pd.NA else str(value)
    return Cell(text, text, False)


def _page(
    results: Results | NoComparison, parts: list[dict[str, Any]], integrity: Sequence[str]
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    details = (question_1(results), question_2(results))
    looked_at = checks(integrity)
    return environment.get_template("page.html.j2").render(
        name=results.run.study["study"]["name"],
        about=about(results),
        answers=list(zip(QUESTIONS, headlines(results), details, strict=True)),
        not_claimed=not_claimed(results),
        glossary=GLOSSARY,
        sections=parts,
        faults=[check.says for check in looked_at if not check.holds],
        integrity=verdict(looked_at),
        checks=looked_at,
        made=_made(results),
        study=json.dumps(results.run.study["study"], indent=1),
    )


def _made(results: Results | NoComparison) -> list[tuple[str, str]]:
    study, session = results.run.study, results.run.study["sessions"][-1]
    counts = ", ".join(f"{n} {name}" for name, n in results.run.counts.items())
    seconds = results.run.outcomes["seconds"].sum()
    outcomes = results.run.outcomes  # of a run made before the column was: "not recorded"
    recorded = (
        outcomes["invariants"]
        if "invariants" in outcomes
        else outcomes["status"].map(lambda status: "not recorded")
    )
    checked = recorded.value_counts().sort_index()
    return [
        *((f"data, {topic}", text) for topic, text in study.get("data", {}).items()),
        *(("evaluations", text) for text in [study.get("measured_less")] if text),
        ("command", session["command"]),
        ("study hash", study["hash"]),
        ("trials", counts),
        ("identities of the norm", ", ".join(f"{n} {name}" for name, n in checked.items())),
        ("worker time", f"{seconds:.0f} s"),
        ("started", study["sessions"][0]["started"]),
        ("sessions", str(len(study["sessions"]))),
        ("host", f"{session['host']}, {session['machine']}"),
        ("python", session["python"]),
        ("packages", ", ".join(f"{k} {v}" for k, v in session["versions"].items())),
        ("BLAS", session["blas"]),
    ]
