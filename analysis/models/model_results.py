"""What the run of somebody's own model says: answers, and the tables and figures behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.run.read import Run


class ModelAnswer(NamedTuple):
    """A question, its answer in a sentence, and what else belongs to it: on the page it stands
    with the table of this name, or with the answer where there is none."""

    question: str
    says: str
    more: tuple[str, ...] = ()
    table: str = ""


class ModelTable(NamedTuple):
    """A table with the words and the figure that it is shown with.

    `units` are by column, `rows` names the table of the run that it is made from.
    """

    name: str
    title: str
    says: str
    table: pd.DataFrame
    units: dict[str, str]
    rows: str
    draw: Callable[[], Figure] | None = None
    caption: str = ""
    alt: str = ""


@dataclass(frozen=True, eq=False)
class ModelResults:
    """A run of one model: what was done in `opening`, answers, what they do not say, what next."""

    run: Run
    opening: str
    answers: tuple[ModelAnswer, ...]
    careful: str
    following: str
    tables: tuple[ModelTable, ...]
