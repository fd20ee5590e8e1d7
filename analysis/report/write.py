"""Tables to files, and one HTML page that loads nothing from outside."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from caviar.analysis.findings.finding import Results
from caviar.analysis.models.model_results import ModelResults
from caviar.analysis.number_format import CONTROLS
from caviar.analysis.report.answer import about
from caviar.analysis.report.beginning import Beginning, beginning
from caviar.analysis.report.explorer.explorer import as_json, explorer_of
from caviar.analysis.report.first_screen import careful, next_step, opening, rows_of
from caviar.analysis.report.glossary import GLOSSARY
from caviar.analysis.report.integrity import checks, verdict
from caviar.analysis.report.not_claimed import not_claimed
from caviar.analysis.report.page.first import answers
from caviar.analysis.report.page.of_model import model_sections, of_page
from caviar.analysis.report.page.picture import Drawing, picture_of
from caviar.analysis.report.page.section import Section, section_of
from caviar.analysis.report.page.style import EXPLORER, PAGE, page_style, sha256, text_of
from caviar.analysis.report.page.topics import topics_of
from caviar.analysis.report.page_order import LEADING, OVERVIEW, sections
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.of_model import MODEL
from caviar.analysis.tables.configurations.ranking import ranking

CODE = re.compile(r"`([^`]+)`")


def write_report(
    results: Results | NoComparison | ModelResults,
    folder: Path,
    integrity: Sequence[str] = (),
    drawing: Drawing = picture_of,
) -> Path:
    """Write tables (CSV) and the page; returns the page's path.

    `integrity` holds the lines that verifying the run printed, one per check (`ok     ...`,
    `FAULT  ...`); where it is empty, the page says that the run was not verified. `drawing` draws
    each figure, and may write files of it into `figures`.
    """
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    if isinstance(results, ModelResults):
        shown = of_page(results, model_sections(results, folder, drawing))
    else:
        shown = _of_study(results, folder, drawing)
    page = folder / "index.html"
    written = _page(results, shown, integrity).translate(CONTROLS)
    page.write_text(written, encoding="utf-8", errors="backslashreplace")  # paths may be no text
    return page


def _written(results: Results, folder: Path, drawing: Drawing) -> list[Section]:
    """Write the tables of a comparison; returns the sections of its page."""
    for name, table in results.tables().items():
        if len(table.columns):
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    figures = folder / "figures"
    return [
        section_of(results, title, finding, figures, drawing)
        for title, finding in sections(results)
    ]


def _of_study(results: Results | NoComparison, folder: Path, drawing: Drawing) -> dict[str, Any]:
    """What the template shows of a study's run."""
    parts = [] if isinstance(results, NoComparison) else _written(results, folder, drawing)
    return {
        **_of_comparison(results, parts),
        "opening": " ".join(filter(None, (results.run.note, opening(results.run)))),
        "about": about(results),
        "answers": answers(results),
        "not_claimed": not_claimed(results),
        "titles": {section.key: section.title for section in parts},
    }


def _page(
    results: Results | NoComparison | ModelResults,
    shown: dict[str, Any],
    integrity: Sequence[str],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["with_code"] = with_code
    looked_at = checks(integrity)
    return (
        environment.get_template("page.html.j2")
        .render(
            **_constant(),
            **shown,
            name=results.run.study["study"]["name"],
            glossary=GLOSSARY,
            faults=[check.says for check in looked_at if not check.holds],
            integrity=verdict(looked_at),
            checks=looked_at,
            made=_made(results),
            study=json.dumps(_described(results.run.study), indent=1),
            explorer=_explorer(results),
        )
        .lstrip()
    )


def _described(content: dict[str, Any]) -> Any:
    """What was trained: the study, or whose model it was."""
    return content.get(MODEL, content["study"])


def with_code(text: str) -> Markup:
    """A text of ours for the page: what stands between backticks is code."""
    return Markup(CODE.sub(r"<code>\1</code>", html.escape(text, quote=False)))


def _of_comparison(results: Results | NoComparison, parts: list[Section]) -> dict[str, Any]:
    """What only a run has that compares something."""
    if isinstance(results, NoComparison):
        nothing = dict.fromkeys(("sizes", "closing", "leading", "topics", "begun"), ())
        return {"overview": None, "beginning": Beginning(), "means": "", **nothing}
    by_key = {section.key: section for section in parts}
    overview = by_key.pop(OVERVIEW.name)
    shown = str(results.run.where)
    begins = beginning(results)
    return {
        "means": "Means over seeds, each size at its best drawn settings"
        if results.design.paired
        else "Means over trials, which differ in more than the size",
        "beginning": begins,
        "begun": [by_key.pop(name) for name in begins.names],
        "overview": overview if overview.picture else None,
        "sizes": rows_of(results),
        "closing": (f"Careful: {careful(results)}", f"Next: {next_step(results, shown)}"),
        "leading": [by_key[name] for name in LEADING if name in by_key],
        "topics": topics_of(results, by_key),
    }


def _explorer(results: Results | NoComparison | ModelResults) -> Markup:
    """The trials as JSON, with only those signs escaped that could end an element."""
    run = results.run
    match results:
        case Results():
            ranked = results["best"]
        case NoComparison():
            ranked = ranking(run)
        case ModelResults():
            ranked = pd.DataFrame()  # One network is no ranking.
    return Markup(html.escape(as_json(explorer_of(run, ranked)), quote=False))


def _constant() -> dict[str, Any]:
    """Style and script, with the hashes by which the browser lets them in and nothing else."""
    style = page_style()
    script = f'"use strict";\n{text_of(EXPLORER / "explorer.js")}{text_of(PAGE / "page.js")}'
    return {
        "style": style,
        "script": script,
        "hash_of": {"style": sha256(style), "script": sha256(script)},
    }


def _made(results: Results | NoComparison | ModelResults) -> list[tuple[str, str]]:
    study, session = results.run.study, results.run.study["sessions"][-1]
    counted = results.run.counts.items()
    counts = ", ".join(f"{n} {name}" for name, n in counted if n or name != "stopped")
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
