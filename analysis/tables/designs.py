"""Several designs on one axis: how much of a naive effect remains when fewer fields vary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.tables.estimates import contrasts

QUANTITIES = ("train_loss", "test_loss")
COLUMNS = ["study", "axis", "reading", "quantity", "facet", "level", *Interval._fields, "left_out"]


def designs_beside(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Train and test loss at every size less those at one size that all the designs have.

    The reference is the largest size that all runs have, so that the lines of, say, a naive
    study (batch and statistics together), a ghost study (statistics only) and a study of the
    batch at equal steps can be read on one axis. By study and reading: over every draw, and as
    `Comparison.told_values` says. Only designs paired by seed. Raises ValueError where the runs
    have no size in common.
    """
    paired = [one for one in comparisons if one.design.paired]
    if len(paired) < 2:
        raise ValueError("a comparison of designs needs two runs that compare sizes by seed")
    common = set.intersection(*(set(map(float, one.design.levels)) for one in paired))
    if not common:
        sizes = "; ".join(map(_sizes, paired))
        raise ValueError(f"the runs have no size in common: {sizes}")
    reference = max(common)
    parts = [
        contrasts(
            rows, replace(one.design, levels=(*one.design.levels, reference)), quantity, reading
        ).assign(study=_name(one), axis=one.design.axis, reading=reading, quantity=quantity)
        for one in paired
        for quantity in QUANTITIES
        for reading, rows in _readings(one, quantity)
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _readings(comparison: Comparison, quantity: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every draw, and what is told where that is another reading."""
    yield EVERY_DRAW, comparison.final_readings[EVERY_DRAW]
    if comparison.chooses:
        yield comparison.told_values(quantity)


def told(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `designs_beside` that are told: of every draw only where nothing is chosen."""
    chosen = table["reading"] != EVERY_DRAW
    return table[chosen | ~chosen.groupby(table["study"]).transform("any")]


def _name(comparison: Comparison) -> str:
    return str(comparison.run.study["study"]["name"])


def _sizes(comparison: Comparison) -> str:
    levels = ", ".join(f"{level:g}" for level in comparison.design.levels)
    return f"{_name(comparison)} has {levels}"
