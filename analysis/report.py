"""Tables and figures to files and one HTML page that loads nothing from outside."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from analysis import figures
from analysis.answer import MINUS, about, number, question_1, question_2, usual_errors
from analysis.findings import Findings

NOT_CLAIMED = (
    "Intervals are for one contrast each; they are not widened for the number of sizes compared, "
    "nor for picking the best one.",
    "One data set, and only the architectures listed below: others may move the best size.",
    "Test-time statistics are read at the last step. Where that is the end of an epoch, averages "
    "over shuffled batches are at their best; within one they are worse.",
)
GHOSTS = (
    "Ghost batches change the noise of the gradient as well as that of the statistics, so a "
    "difference between sizes is not the work of the statistics' noise alone."
)
UPDATES = (
    "The batch of an update differs between arms: with it the noise of the gradient, the best "
    "learning rate and, at equal epochs, the number of steps."
)


def not_claimed(found: Findings) -> tuple[str, ...]:
    """What a reader might take from the page and must not."""
    if found.design is None:
        return NOT_CLAIMED
    updates = found.run.trials["batch_size"].nunique() > 1
    return (*NOT_CLAIMED, UPDATES if updates else GHOSTS)


IMPORTS = "from analysis import design_of, findings, read_run, regularization, test_time\n\n"


@dataclass(frozen=True)
class Section:
    """A part of the page: a table by name, perhaps a figure of it, and what to see there."""

    key: str
    title: str
    says: str
    caption: str = ""
    alt: str = ""
    code: str = ""
    draw: Callable[[Findings], Figure] | None = None


def _all(found: Findings, name: str) -> pd.DataFrame:
    return found.tables[name]


def _label(found: Findings) -> str:
    assert found.design is not None
    return found.design.label


def _symbol(found: Findings) -> str:
    assert found.design is not None
    return found.design.symbol


def _reference(found: Findings) -> float:
    assert found.design is not None
    return found.design.reference


def _overview(found: Findings) -> Figure:
    assert found.design is not None
    return figures.overview(
        found.table("noise_penalty"),
        found.table("effect_of_size"),
        usual_errors(found),
        found.design.label,
        found.design.reference,
    )


SECTIONS = (
    Section(
        key="overview",
        title="Both answers at a glance",
        says="Left: what batch noise adds to the training loss at the same weights. Middle: what "
        "the size does to test loss. Right: how far the running statistics that test time uses "
        "are from those of the whole training set.",
        caption="Bars are 95 % intervals.",
        alt="Three panels against mini-batch size: noise penalty, test loss difference, error of "
        "running mean and variance.",
        draw=_overview,
    ),
    Section(
        key="noise_penalty",
        title="1a. The price of noisy statistics at the same weights",
        says="Train-mode loss less the loss of the very same weights under population "
        "statistics, on the training split at the end of training. It is what batch noise "
        "adds to the objective, and so what training is pushed to make small. Every draw: all "
        "arms share the draws. Best draw: each arm at its own.",
        caption="A line falling along the dashed one is proportional to 1/m.",
        alt="Noise penalty against mini-batch size on logarithmic axes, with 95 % intervals.",
        code="regularization.noise_penalty(run, design_of(run))",
        draw=lambda f: figures.noise_penalty(_all(f, "noise_penalty"), _label(f), _symbol(f)),
    ),
    Section(
        key="effect_of_size",
        title="1b. What it does to train and test loss",
        says="Both under population statistics, as differences from the largest size. Only "
        "train loss above zero together with test loss below zero is called regularisation.",
        caption="Bars are 95 % intervals; where they miss zero, the size surely matters.",
        alt="Train and test loss less those at the largest size, with 95 % intervals.",
        code="regularization.effect_of_size(run, design_of(run))",
        draw=lambda f: figures.effect_of_size(_all(f, "effect_of_size"), _label(f), _reference(f)),
    ),
    Section(
        key="losses",
        title="1c. The losses themselves",
        says="Means over units of train loss, test loss and test accuracy at the end of training.",
        code="regularization.losses(run, design_of(run))",
    ),
    Section(
        key="chosen_draws",
        title="1d. Which draw is best for each arm",
        says="The best draw of an arm has the lowest validation loss over the other seeds. "
        "Arms that choose different draws differ in more than their size; a choice at the edge "
        "of what was drawn may not be the best there is.",
        code="findings.chosen_table(run, design_of(run))",
    ),
    Section(
        key="statistics_error",
        title="2a. How far running statistics are from the population's",
        says="Root mean square over features of the running mean's error in population "
        "deviations, and of the log ratio of variances, at the end of training.",
        caption="Lower is better; every tracker watched the same training.",
        alt="Error of running mean and variance against mini-batch size for every tracker.",
        code="test_time.statistics_error(run, design_of(run))",
        draw=lambda f: figures.statistics_error(f.table("statistics_error"), _label(f)),
    ),
    Section(
        key="running_damage",
        title="2b. What that costs at test time",
        says="Test loss under each running average less that under population statistics, at the "
        "same weights.",
        caption="Above zero, reading the test set with running statistics costs loss.",
        alt="Test loss under running less population statistics for every tracker.",
        code="test_time.running_damage(run, design_of(run))",
        draw=lambda f: figures.running_damage(f.table("running_damage"), _label(f)),
    ),
    Section(
        key="batch_noise",
        title="Theory against measurement: the noise of batch statistics",
        says="Variance of the batch mean and of the batch standard deviation, both in units of "
        "the population variance, at the final weights; predicted without any fit: "
        "(N - m)/(N - 1)/m and (excess kurtosis + 2)/(4m) (N - m)/(N - 1).",
        caption="Points on the line agree with theory.",
        alt="Measured against predicted variance of batch mean and batch deviation.",
        code="test_time.batch_noise(run, design_of(run))",
        draw=lambda f: figures.batch_noise(_all(f, "batch_noise")),
    ),
    Section(
        key="trials",
        title="Every trial",
        says="What differed between trials, and how each ended. A diverged trial is a result: "
        "its seeds with a finite loss count, the others are counted as left out.",
        code="findings.trials_table(run)",
    ),
)


class Cell(NamedTuple):
    """A value as shown, as sorted, and whether it is a number."""

    text: str
    value: str
    number: bool


def write_report(found: Findings, folder: Path) -> Path:
    """Write tables (CSV), figures (SVG, PNG) and the page; returns the page's path."""
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
    page = folder / "index.html"
    page.write_text(_page(found, sections), encoding="utf-8")
    return page


def _section(
    found: Findings, section: Section, table: pd.DataFrame, folder: Path
) -> dict[str, Any]:
    image = _draw(section.draw, found, folder / section.key) if section.draw else ""
    shown = found.table(section.key) if len(table) > 200 else table
    return {
        "key": section.key,
        "title": section.title,
        "says": section.says,
        "caption": section.caption,
        "alt": section.alt,
        "code": IMPORTS + f"run = read_run({str(found.run.where)!r})\n{section.code}",
        "image": image,
        "columns": list(shown.columns),
        "total": len(table),
        "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)],
    }


def _draw(draw: Callable[[Findings], Figure], found: Findings, path: Path) -> str:
    with figures.style():
        figure = draw(found)
        figure.savefig(path.with_suffix(".png"), dpi=160)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    path.with_suffix(".svg").write_bytes(buffer.getvalue())
    return base64.b64encode(buffer.getvalue()).decode()


def _cell(value: Any) -> Cell:
    if isinstance(value, float | int) and not isinstance(value, bool):
        if pd.isna(value):
            return Cell("–", "", True)
        whole = float(value).is_integer() and abs(value) < 1e15
        text = f"{value:.0f}".replace("-", MINUS) if whole else number(value)
        return Cell(text, repr(float(value)), True)
    text = "" if value is None or value is pd.NA else str(value)
    return Cell(text, text, False)


def _page(found: Findings, sections: list[dict[str, Any]]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        name=found.run.study["study"]["name"],
        about=about(found),
        answers=[
            ("Question 1: how mini-batch size changes regularisation", question_1(found)),
            ("Question 2: how it changes test-time statistics", question_2(found)),
        ],
        not_claimed=not_claimed(found),
        sections=sections,
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
        ("batch norm's identities", ", ".join(f"{n} {name}" for name, n in checked.items())),
        ("worker time", f"{seconds:.0f} s"),
        ("started", study["sessions"][0]["started"]),
        ("sessions", str(len(study["sessions"]))),
        ("host", f"{session['host']}, {session['machine']}"),
        ("python", session["python"]),
        ("packages", ", ".join(f"{k} {v}" for k, v in session["versions"].items())),
        ("BLAS", session["blas"]),
    ]
