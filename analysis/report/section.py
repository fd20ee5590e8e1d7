"""One part of the page, and what parts ask of the findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results


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
    opened: bool = False
    draw: Callable[[Results], Figure] | None = None


def whole(results: Results, name: str) -> pd.DataFrame:
    """A table under every reading."""
    return results[name]


def label(results: Results) -> str:
    """The name of the axis."""
    return results.design.label


def symbol(results: Results) -> str:
    """The letter of the axis."""
    return results.design.symbol


def reference(results: Results) -> float:
    """The level that others are held against."""
    return results.design.reference
