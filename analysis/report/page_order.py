"""The sections of the page: theory, both answers at a glance, both questions, the run."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import get_args

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.finding import Finding, Part, Results
from caviar.analysis.report.beginning import ARMS, SEARCHED
from caviar.analysis.report.verdicts.told_averages import told_averages

LEADING = ("losses", "side_by_side", "reader_losses", "training_curves")
"""What is shown unfolded, in this order."""

QUESTIONS: dict[Part, str] = {"regularisation": "1", "test time": "2"}


def _overview(results: Results) -> Figure:
    averages, design = told_averages(results), results.design
    return figures.overview(
        results.reading("effect_of_size"),
        averages.assign(reader=averages["tracker_decay"].map(_named)),
        design.label,
        design.reference,
    )


def _named(decay: float) -> str:
    return "the study's average" if pd.isna(decay) else f"running average of decay {decay:g}"


OVERVIEW = Finding(
    name="overview",
    part="theory",
    compute=lambda results: pd.DataFrame(),
    columns=(),
    title="Both answers at a glance",
    says="Left: test loss at every size less that at the largest. Right: test loss under running "
    "averages less that under population statistics, at the same weights.",
    caption="Bars are 95 % intervals over seeds; a shaded band holds for all sizes together.",
    alt="Two panels against mini-batch size: the difference in test loss from the largest size, "
    "and what running averages add to test loss.",
    draw=_overview,
)
"""A figure of other findings' tables; it has no table of its own."""


def sections(results: Results) -> list[tuple[str, Finding]]:
    """Every section of the page: its title, and the finding whose table has rows."""
    return [section for part in get_args(Part) for section in _of_part(results, part)]


def _of_part(results: Results, part: Part) -> Iterator[tuple[str, Finding]]:
    """The sections of a part; what is folded of a question is numbered 1a, 1b, ... without gap."""
    letters, unlettered = iter(ascii_lowercase), (*LEADING, *SEARCHED, *ARMS)
    for finding in results.findings.values():
        if finding.part == part and finding.title and len(results[finding.name]):
            lettered = part in QUESTIONS and finding.name not in unlettered
            number = f"{QUESTIONS[part]}{next(letters)}. " if lettered else ""
            yield number + finding.title, finding
    if part == OVERVIEW.part:
        yield OVERVIEW.title, OVERVIEW
