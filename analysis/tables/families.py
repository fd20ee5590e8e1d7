"""A curve of paired contrasts as a whole: bands, p-values of the family, power, equivalence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.design import Design
from caviar.analysis.run.paired import facets, paired
from caviar.analysis.statistics.equivalence import equivalence
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from caviar.analysis.statistics.power import pilot_spread, smallest_effect
from caviar.analysis.statistics.ranges import range_of_difference
from caviar.analysis.statistics.sign_flip import family_two_sided, sign_flip, units_to_reach
from caviar.analysis.tables.estimates import SEED

NATS = 0.005
MARGINS = {
    "train_mode_loss": NATS,
    "train_loss": NATS,
    "test_loss": NATS,
    "generalisation_gap": NATS,
    "matched_test_loss": NATS,
    "test_accuracy": 0.002,
}
"""Margins, in nats and in shares, below which differences do not count; named before any run."""

ALPHA = 0.05

COLUMNS = [
    *("band_low", "band_high", "p_value", "p_family", "seeds_needed", "detectable", "equivalent")
]
NUMBERS = [name for name in COLUMNS if name != "equivalent"]


def family(rows: pd.DataFrame, design: Design, value: str, reading: str) -> pd.DataFrame:
    """All levels against the reference together, one row per facet and level.

    `band_low` and `band_high` hold for all levels together (95 %); `p_value` is that of sign
    flips over seeds, `p_family` the same adjusted over the levels (step-down max-t);
    `seeds_needed` is how many seeds that agree it takes for a p of 0.05, given where there are
    fewer; `detectable` the difference that this many seeds of this spread find with 80 % power;
    `equivalent` whether the difference is significantly smaller than its margin in `MARGINS`. Only
    for paired designs, and without the levels at which no difference is finite.
    """
    table: list[dict[str, Any]] = []
    if not design.paired or rows.empty:
        return _table(table)
    for facet, arm in facets(rows):
        # One size at which nothing is finite must not remove the bands of the others.
        wide = differences(arm, design, value, reading).dropna(axis=1, how="all")
        if wide.empty:
            continue
        low, high = range_of_difference(value)
        bands = simultaneous_bands(wide.to_numpy(), _generator())
        p_values = np.array([_p_value(wide[level].to_numpy()) for level in wide])
        adjusted = family_two_sided(wide.to_numpy(), _generator())
        for i, (level, p_family) in enumerate(zip(wide.columns, adjusted, strict=True)):
            column = wide[level].to_numpy()
            table.append(
                {
                    "facet": facet,
                    "level": level,
                    "band_low": max(bands.low[i], low),
                    "band_high": min(bands.high[i], high),
                    "p_value": p_values[i],
                    "p_family": p_family,
                    "seeds_needed": _seeds_needed(column),
                    "detectable": _detectable(column),
                    "equivalent": _equivalent(column, value),
                }
            )
    return _table(table)


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a frame whose columns of numbers are floats even where it is empty."""
    names = ["facet", "level", *COLUMNS]
    if not rows:
        return pd.DataFrame([], columns=names).astype(dict.fromkeys(NUMBERS, float))
    columns = {name: [row[name] for row in rows] for name in names}
    return pd.DataFrame(columns | {name: np.array(columns[name], float) for name in NUMBERS})


def differences(arm: pd.DataFrame, design: Design, value: str, reading: str) -> pd.DataFrame:
    """The value less that at the reference, one row per seed and one column per level.

    Draws are averaged. Empty where the reference has no rows. As in `estimates.contrasts`, a
    draw whose difference is not finite is left out of the mean; NaN where that leaves none.
    """
    at_level = paired(arm, value, reading)
    if design.reference not in at_level.levels:
        return pd.DataFrame()
    pairs = at_level.less(design.reference)
    seeds, levels = pd.Index(pairs.seeds, name="seed"), pd.Index(pairs.levels, name="level")
    wide = pd.DataFrame(pairs.by_seed.T, seeds, levels)
    return wide.drop(columns=design.reference)


def _generator() -> np.random.Generator:
    return np.random.default_rng(SEED)


def _p_value(column: NDArray[Any]) -> float:
    return sign_flip(column, _generator()).p_value


def _equivalent(column: NDArray[Any], value: str) -> bool:
    lattice = value == "test_accuracy"
    return equivalence(column, MARGINS[value], _generator(), lattice=lattice).equivalent


def _seeds_needed(column: NDArray[Any]) -> float:
    needed = units_to_reach(ALPHA)
    return needed if np.isfinite(column).sum() < needed else float("nan")


def _detectable(column: NDArray[Any]) -> float:
    spread = pilot_spread(column)
    if not spread.deviation > 0:
        return float("nan")
    return smallest_effect(spread.units, spread.deviation)
