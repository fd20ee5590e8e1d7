"""The answer to a question in plain words, and how its numbers are written."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import drawn_fields
from caviar.analysis.number_format import number
from caviar.analysis.statistics.intervals import FEWEST
from caviar.analysis.tables.families import MARGINS

MARGIN = MARGINS["test_loss"]


class Verdict(NamedTuple):
    """The answer to a question, and sentences after it that may be left out for want of room."""

    says: str
    more: tuple[str, ...] = ()


def nats(mean: float, low: float, high: float) -> str:
    """`0.009 nats [0.006, 0.02]`, in as many digits as `short` gives."""
    if pd.isna(low):
        return f"{short(mean)} nats (too few for an interval)"
    return f"{short(mean)} nats [{ends(low, high)}]"


def ends(low: float, high: float) -> str:
    """Both ends of an interval, in as many digits as `short` gives."""
    return f"{short(low)}, {short(high)}"


def short(value: float) -> str:
    """Two significant digits, or as many as show on which side of 0 and the margin it lies."""
    rounded = float(f"{value:.2g}")
    bounds = (0.0, MARGIN, -MARGIN)
    sides = all(np.sign(rounded - bound) == np.sign(value - bound) for bound in bounds)
    return number(rounded if sides else value, bounds)


def too_few(results: Results, seeds: int) -> str:
    """Why there is no interval: how many seeds there are, and how many of them chose a draw."""
    comparison = results.comparison
    every = comparison.final_values["seed"].nunique()
    chose = every - comparison.chosen_draws["seed"].nunique() if comparison.chooses else 0
    if not chose:
        few = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
        return f"{few} too few for an interval, which takes {FEWEST}."
    others = "the other one is" if seeds == 1 else f"the other {seeds} are"
    return (
        f"{chose} of the {every} seeds {'chooses' if chose == 1 else 'choose'} the "
        f"{drawn_fields(results)}, and {others} too few for an interval, which takes {FEWEST}."
    )
