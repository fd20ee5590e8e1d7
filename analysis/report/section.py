"""One part of the page, and what parts ask of the findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.results import Findings

IMPORTS = (
    "from analysis import best_decay as decay\n"
    "from analysis import beside, data_sets, error_parts\n"
    "from analysis import equivalent_dropout as dropout\n"
    "from analysis import design_of, findings, mechanisms, noise, penalty_scaling, read_run\n"
    "from analysis import regularization, scorecard, specifications, test_time, tuning\n\n"
)


@dataclass(frozen=True)
class Section:
    """A part of the page: a table by name, perhaps a figure of it, and what to see there.

    `opened`: the table is the point, and shown without a click.
    """

    key: str
    title: str
    says: str
    caption: str = ""
    alt: str = ""
    code: str = ""
    opened: bool = False
    draw: Callable[[Findings], Figure] | None = None


def whole(found: Findings, name: str) -> pd.DataFrame:
    """A table under every reading."""
    return found.tables[name]


def label(found: Findings) -> str:
    """The name of the axis."""
    assert found.design is not None
    return found.design.label


def symbol(found: Findings) -> str:
    """The letter of the axis."""
    assert found.design is not None
    return found.design.symbol


def reference(found: Findings) -> float:
    """The level that others are held against."""
    assert found.design is not None
    return found.design.reference
