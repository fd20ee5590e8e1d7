"""The answer, first screen and page of a run of somebody's own model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caviar.analysis.models.model_results import ModelAnswer, ModelResults, ModelTable
from caviar.analysis.report.beginning import Beginning
from caviar.analysis.report.first_screen import FirstScreen
from caviar.analysis.report.page.first import Answer
from caviar.analysis.report.page.picture import Drawing
from caviar.analysis.report.page.section import MOST_ROWS, Head, Section, cell
from caviar.analysis.report.verdicts.verdict import Verdict


def model_answer(results: ModelResults) -> str:
    """Everything that is said, as plain text for a terminal."""
    lines = ["", f"  {results.opening}"]
    for i, answer in enumerate(results.answers, start=1):
        lines += ["", f"{i}. {answer.question}", f"  {answer.says}"]
        lines += [f"  {sentence}" for sentence in answer.more]
    return "\n".join([*lines, "", *closing(results), ""])


def model_screen(results: ModelResults, shown: str) -> FirstScreen:
    """The first screen; `shown` is how a reader names the run on the command line."""
    verdicts = tuple(
        Verdict(f"{i} {answer.question} {answer.says}", answer.more)
        for i, answer in enumerate(results.answers, start=1)
    )
    careful, following = closing(results)
    full = f"In full: caviar report {shown} --full"
    return FirstScreen(results.opening, (), verdicts, (f"{careful} {full}", following))


def closing(results: ModelResults) -> tuple[str, str]:
    """What is not said, and what to do next."""
    return f"Careful: {results.careful}", f"Next: {results.following}"


def model_sections(results: ModelResults, folder: Path, drawing: Drawing) -> list[Section]:
    """Write the tables (CSV); returns the sections of the page."""
    for one in results.tables:
        one.table.to_csv(folder / "tables" / f"{one.name}.csv", index=False)
    return [_section(results, one, folder / "figures", drawing) for one in results.tables]


def _section(results: ModelResults, one: ModelTable, folder: Path, drawing: Drawing) -> Section:
    draw = one.draw
    picture = drawing(lambda _: draw(), results, folder / one.name) if draw else None
    numbers = one.table.select_dtypes(["number"]).columns
    told = [s for answer in results.answers if answer.table == one.name for s in answer.more]
    return Section(
        key=one.name,
        title=one.title,
        says=" ".join((one.says, *told)),
        more="",
        caption=one.caption,
        alt=one.alt,
        code=f"import caviar\n\ncaviar.read_run({str(results.run.where)!r}).{one.rows}",
        picture=picture,
        opened=False,
        columns=tuple(
            Head(name, one.units.get(name, ""), name not in numbers) for name in one.table.columns
        ),
        rows=[list(map(cell, row)) for row in one.table[:MOST_ROWS].itertuples(index=False)],
        total=len(one.table),
    )


def of_page(results: ModelResults, parts: list[Section]) -> dict[str, Any]:
    """What the page's template shows of the run of a model, where a study has its comparison."""
    nothing: list[Any] = []
    return {
        **dict.fromkeys(("sizes", "topics", "begun", "not_claimed"), nothing),
        "opening": " ".join(filter(None, (results.run.note, results.opening))),
        "about": nothing,
        "answers": tuple(
            Answer(f"{i} {answer.question}", _on_top(answer, parts))
            for i, answer in enumerate(results.answers, start=1)
        ),
        "closing": closing(results),
        "leading": parts,
        "overview": None,
        "beginning": Beginning(),
        "titles": {part.key: part.title for part in parts},
        "means": "",
    }


def _on_top(answer: ModelAnswer, parts: list[Section]) -> str:
    """The answer, with all that belongs to it where no section of the page has that."""
    elsewhere = answer.table in {part.key for part in parts}
    return " ".join((answer.says, *(() if elsewhere else answer.more)))
