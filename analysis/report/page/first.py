"""The first screen of the page: both questions with a verdict and the interval behind it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import at_level
from caviar.analysis.number_format import number
from caviar.analysis.report.first_screen import answered
from caviar.analysis.report.verdicts.told_averages import told_averages
from caviar.analysis.run.comparison import NoComparison


class Answer(NamedTuple):
    """A question, its verdict, the number behind it with its interval, and where that is shown."""

    question: str
    says: str
    number: str = ""
    about: str = ""
    key: str = ""


def answers(results: Results | NoComparison) -> tuple[Answer, ...]:
    """Both answers, or why there are none."""
    if isinstance(results, NoComparison):
        return (Answer("What does it compare?", " ".join([results.why, *results.diverged[1:]])),)
    (first, helps), (second, trust) = answered(results)
    return (
        _answer(f"1 {first}", helps.says, _effect(results)),
        _answer(f"2 {second}", trust.says, _cost(results)),
    )


ENDS = re.compile(r",? (?:95 % in )?\[[^]]*\]")


def _answer(question: str, says: str, interval: tuple[str, ...]) -> Answer:
    """A plain sentence where the interval stands beside it."""
    return Answer(question, ENDS.sub("", says) if interval else says, *interval)


def _effect(results: Results) -> tuple[str, ...]:
    """What the best size changes; of the sizes below the largest, if that is the best."""
    table, design = results.reading("effect_of_size"), results.design
    rows = table[(table["quantity"] == "test_loss") & table["mean"].notna()]
    if rows.empty or rows["facet"].nunique() > 1 or not design.paired:
        return ()
    row = rows.loc[rows["mean"].idxmin()]
    low, high = "band_low", "band_high"  # They hold for all sizes, and so for the one chosen.
    if pd.isna(row[low]):
        return ()
    against = f"test loss, {at_level(results, row['level'])} less {design.reference:g}, 95 %."
    return _interval(row["mean"], row[low], row[high]), against, "effect_of_size"


def _cost(results: Results) -> tuple[str, ...]:
    """What the shortest average that is told adds at the smallest size: neither is chosen by it."""
    told = told_averages(results)
    if told.empty or told["facet"].nunique() > 1:
        return ()
    row = told.sort_values(["tracker_decay", "level"]).iloc[0]
    if pd.isna(row["low"]):
        return ()
    decay = "the average" if pd.isna(row["tracker_decay"]) else f"decay {row['tracker_decay']:g}"
    about = f"added by {decay} at {at_level(results, row['level'])}, 95 %."
    return _interval(row["mean"], row["low"], row["high"]), about, "running_damage"


def _interval(mean: float, low: float, high: float) -> str:
    """`+0.047 [0.03, 0.06] nats`, in two digits."""
    ends = "" if pd.isna(low) else f" [{_short(low)}, {_short(high)}]"
    return f"{'+' if mean > 0 else ''}{_short(mean)}{ends} nats"


def _short(value: float) -> str:
    return number(float(f"{value:.2g}"))
