"""Tables and figures to files and one HTML page that loads nothing from outside."""

from __future__ import annotations

import base64
import io
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import jinja2
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from caviar.analysis.figures import axes as drawing
from caviar.analysis.number_format import CONTROLS, MINUS, number
from caviar.analysis.report.answer import about, question_1, question_2
from caviar.analysis.report.glossary import GLOSSARY
from caviar.analysis.report.headline import headlines
from caviar.analysis.report.integrity import checks, verdict
from caviar.analysis.report.page_order import SECTIONS, not_claimed
from caviar.analysis.report.section import IMPORTS, Section
from caviar.analysis.results import Findings
from caviar.analysis.tables.control_arms import arms_of

QUESTIONS = (
    "Question 1: how mini-batch size changes regularisation",
    "Question 2: how it changes test-time statistics",
)


LEGIBLE = 0.72
"""On a phone a figure is not drawn smaller than this share of its size: it is scrolled."""


class Cell(NamedTuple):
    """A value as shown, as sorted, and whether it is a number."""

    text: str
    value: str
    number: bool


def write_report(found: Findings, folder: Path, integrity: Sequence[str] = ()) -> Path:
    """Write tables (CSV), figures (SVG, PNG, PDF) and the page; returns the page's path.

    `integrity`: what verifying the run said, a line a check (`ok     ...`, `FAULT  ...`); where
    there is none, the page says that nobody verified the run.
    """
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, table in found.tables.items():
        if len(table.columns):
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    sections = []
    for section in SECTIONS:
        table = found.tables.get(section.key, pd.DataFrame())
        if len(table) or (section.key == "overview" and found.design is not None):
            sections.append(_section(found, section, table, folder / "figures"))
    _letter(sections)
    page = folder / "index.html"
    written = _page(found, sections, integrity).translate(CONTROLS)
    page.write_text(written, encoding="utf-8", errors="backslashreplace")  # paths may be no text
    return page


def _letter(sections: list[dict[str, Any]]) -> None:
    """The parts of a question that are there count 1a, 1b, ... without a gap."""
    for question in ("1. ", "2. "):
        own = [section for section in sections if section["title"].startswith(question)]
        for letter, section in zip(ascii_lowercase, own, strict=False):
            section["title"] = f"{question[0]}{letter}. {section['title'][len(question) :]}"


def _section(
    found: Findings, section: Section, table: pd.DataFrame, folder: Path
) -> dict[str, Any]:
    image, width = "", 0.0
    if section.draw:
        image, width = _draw(section.draw, found, folder / section.key)
    shown = found.table(section.key) if len(table) > 200 else table
    return {
        "key": section.key,
        "title": section.title,
        "says": section.says,
        "caption": section.caption,
        "alt": section.alt,
        "code": IMPORTS + _reading(found, section) + section.code,
        "image": image,
        "least": f"{LEGIBLE * width:.0f}px",
        "opened": section.opened,
        "columns": list(shown.columns),
        "total": len(table),
        "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)],
    }


def _reading(found: Findings, section: Section) -> str:
    """The lines that read the run: `whole`, and `run`, the arm that the tables are about."""
    where = repr(str(found.run.where))
    lines = f"run = whole = read_run({where})\n"
    if arms_of(found.run):
        lines = f"whole = read_run({where})\nrun = mechanisms.first_arm(whole)\n"
    if found.beside or "others" in section.code:
        others = ", ".join(f"read_run({str(run.where)!r})" for run in found.beside)
        lines += f"others = [{others}]\n"
    return lines


def _draw(draw: Callable[[Findings], Figure], found: Findings, path: Path) -> tuple[str, float]:
    """Write the figure; returns its SVG, encoded, and its width in pixels of the page."""
    with drawing.style(), warnings.catch_warnings():
        # A name of the user's may have letters that the font lacks: a box stands for each.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        figure = draw(found)
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
        figure.set_layout_engine("none")  # Places are found once, not twice a file.
        files = {kind: write(figure) for kind, write in FORMATS.items()}
    for kind, content in files.items():
        path.with_suffix(f".{kind}").write_bytes(content)
    return base64.b64encode(files["svg"]).decode(), 96 * figure.get_figwidth()


def _pdf(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasPdf(figure)
    buffer = io.BytesIO()
    canvas.print_pdf(buffer, metadata={"CreationDate": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    canvas.print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


def _png(figure: Figure) -> bytes:
    figure.set_dpi(160)
    canvas: Any = FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Figure], bytes]] = {"pdf": _pdf, "svg": _svg, "png": _png}
"""In what every figure is written; the page shows the SVG."""


def _cell(value: Any) -> Cell:
    if isinstance(value, float | int) and not isinstance(value, bool):
        if pd.isna(value):
            return Cell("–", "", True)
        whole = float(value).is_integer() and abs(value) < 1e15
        text = f"{value:.0f}".replace("-", MINUS) if whole else number(value)
        return Cell(text, repr(float(value)), True)
    text = "" if value is None or value is pd.NA else str(value)
    return Cell(text, text, False)


def _page(found: Findings, sections: list[dict[str, Any]], integrity: Sequence[str]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    details = (question_1(found), question_2(found))
    looked_at = checks(integrity)
    return environment.get_template("page.html.j2").render(
        name=found.run.study["study"]["name"],
        about=about(found),
        answers=list(zip(QUESTIONS, headlines(found), details, strict=True)),
        not_claimed=not_claimed(found),
        glossary=GLOSSARY,
        sections=sections,
        faults=[check.says for check in looked_at if not check.holds],
        integrity=verdict(looked_at),
        checks=looked_at,
        made=_made(found),
        study=json.dumps(found.run.study["study"], indent=1),
    )


def _made(found: Findings) -> list[tuple[str, str]]:
    study, session = found.run.study, found.run.study["sessions"][-1]
    counts = ", ".join(f"{n} {name}" for name, n in found.run.counts.items())
    seconds = found.run.outcomes["seconds"].sum()
    outcomes = found.run.outcomes  # of a run made before the column was: "not recorded"
    recorded = (
        outcomes["invariants"]
        if "invariants" in outcomes
        else outcomes["status"].map(lambda status: "not recorded")
    )
    checked = recorded.value_counts().sort_index()
    return [
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
