"""The page in its order: theory, both answers at a glance, both questions, the run."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import get_args

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.finding import Finding, Part, Results
from caviar.analysis.findings.test_time.trackers import usual_errors

QUESTIONS: dict[Part, str] = {"regularisation": "1", "test time": "2"}


def _overview(results: Results) -> Figure:
    return figures.overview(
        results.reading("noise_penalty"),
        results.reading("effect_of_size"),
        usual_errors(results),
        results.design.label,
        results.design.reference,
    )


OVERVIEW = Finding(
    name="overview",
    part="theory",
    compute=lambda results: pd.DataFrame(),
    columns=(),
    title="Both answers at a glance",
    says="Left: how much batch noise adds to the training loss at the same weights. Middle: how "
    "the size changes test loss. Right: how far the running statistics that test time uses are "
    "from those of the whole training set.",
    caption="Bars are 95 % intervals; the tables are in parts 1 and 2 below (noise_penalty, "
    "effect_of_size, statistics_error).",
    alt="Three panels against mini-batch size: noise penalty, test loss difference, error of "
    "running mean and variance.",
    draw=_overview,
)
"""A figure of other findings' tables; it has no table of its own."""


def sections(results: Results) -> list[tuple[str, Finding]]:
    """Every section of the page: its title, and the finding whose table has rows."""
    return [section for part in get_args(Part) for section in _of_part(results, part)]


def _of_part(results: Results, part: Part) -> Iterator[tuple[str, Finding]]:
    """The sections of a part; those of a question are numbered 1a, 1b, ... without a gap."""
    letters = iter(ascii_lowercase)
    for finding in results.findings.values():
        if finding.part == part and finding.title and len(results[finding.name]):
            number = f"{QUESTIONS[part]}{next(letters)}. " if part in QUESTIONS else ""
            yield number + finding.title, finding
    if part == OVERVIEW.part:
        yield OVERVIEW.title, OVERVIEW
