"""The effect of size under every specification: each crossed field, data set and draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.number_format import number
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design, facet_of
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.tables.estimates import contrasts
from caviar.analysis.tables.regularization import best_size

SMALLEST, BEST = "smallest size", "best size"
COLUMNS = ["compared", "study", "axis", "facet", "draw", "level", "reference"]
ESTIMATE = [*Interval._fields, "left_out"]
NO_FIELDS = {
    *("trial_id", "seeds", "draw", "arm", "dataset_fingerprint"),
    *("conventions", "decays", "probe_batch_sizes", "evaluations", "probe_share"),
    *("shadow", "log_probabilities", "curve_rows"),
}
"""Names of trials, and fields that decide what is measured of a network and not what it is."""
FEW_VALUES = 6
"""A field with more numbers than this is shown in three groups of values."""


def specifications(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Test loss at a size less that at the largest, one row per run, facet and draw.

    `compared` says which size: the smallest, which no result chose, or the best, which
    `regularization.best_size` chose for the facet (0 where that is the largest).
    The quantity is that of `effect_of_size`; a plain random search is one specification. The
    fields that differ between specifications follow, None where one differs within a
    specification. Sorted by the effect; empty where there are fewer than two.
    """
    rows = [row for one in comparisons for row in _of_one(one)]
    smallest = [row for row in rows if row["compared"] == SMALLEST]
    if len(smallest) < 2:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    fields = [c for c in table.columns if c not in {*COLUMNS, *ESTIMATE}]
    fields = [c for c in fields if table[c].map(str).nunique() > 1]
    table = table.astype({c: object for c in fields if table[c].dtype.kind not in "if"})
    table = table.sort_values(["compared", "mean"], kind="stable", ascending=[False, True])
    return table[[*COLUMNS, *ESTIMATE, *fields]].reset_index(drop=True)


def below_zero(table: pd.DataFrame, compared: str) -> str:
    """`1 of 3 specifications is below zero (not significantly); 2 are significantly above`.

    Significantly: the interval of a specification excludes 0.
    """
    rows = table[table["compared"] == compared]
    known = rows[np.isfinite(rows["mean"])]
    below, significant = (known["mean"] < 0).sum(), (known["high"] < 0).sum()
    above, missing = (known["low"] > 0).sum(), len(rows) - len(known)
    text = f"{below} of {len(known)} specifications {_be(below)} below zero"
    if below:
        some = f"{significant} significantly" if significant else "not significantly"
        text += f" ({'significantly' if significant == below else some})"
    text += f"; {above} {_be(above)} significantly above" if above else ""
    return text + (f"; {missing} without a value" if missing else "")


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def choices(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """For every value of a field, its name and the rows that have it; many numbers in thirds."""
    named: list[tuple[str, pd.Series]] = []
    fields = [c for c in table.columns if c not in {*COLUMNS, *ESTIMATE}]
    for name in [c for c in ("study", "axis") if table[c].nunique() > 1] + fields:
        column = table[name]
        values = list(pd.unique(column.dropna()))
        if column.dtype.kind in "if" and len(values) > FEW_VALUES:
            values.sort()
            for third in np.array_split(np.array(values), 3):
                word = f"{name} {number(third[0])} to {number(third[-1])}"
                named.append((word, column.isin(third)))
        else:
            for value in sorted(values, key=lambda v: (isinstance(v, str), v)):
                word = number(value) if column.dtype.kind in "if" else str(value)
                named.append((f"{name} {word}", column == value))
    return named


def _of_one(comparison: Comparison) -> Iterator[dict[str, Any]]:
    run, design, values = comparison.run, comparison.design, comparison.final_values
    best = best_size(comparison)
    best = best[best["reading"] == comparison.told].set_index("facet")["level"]
    trials = run.trials.assign(facet=facet_of(run.trials, design))
    trials = trials.assign(one=trials["draw"].astype(str) if design.paired else "every")
    for (facet, draw), kept in trials.groupby(["facet", "one"], sort=False):
        sizes = {SMALLEST: design.levels[0]}
        if facet in best.index:
            sizes[BEST] = best[facet]
        rows = values[values["trial_id"].isin(kept["trial_id"])]
        for compared, level in sizes.items():
            yield {
                "compared": compared,
                "study": str(run.study["study"]["name"]),
                "axis": design.axis,
                "facet": facet,
                "draw": draw,
                "level": float(level),
                "reference": float(design.reference),
                **_effect(rows, design, float(level), kept),
                **_fields(kept.drop(columns=["facet", "one"])),
            }


def _effect(
    rows: pd.DataFrame, design: Design, level: float, trials: pd.DataFrame
) -> dict[str, Any]:
    """The contrast of one size with the largest; exactly 0 for the largest itself."""
    if level == design.reference:
        units = int(np.isfinite(rows.loc[rows["level"] == level, "test_loss"]).sum())
        return {**Interval(0.0, 0.0, 0.0, units)._asdict(), "left_out": 0}
    pair = rows[rows["level"].isin([level, design.reference])]
    differences = contrasts(pair, design, "test_loss")
    if len(differences):
        return {name: differences[name].iloc[0] for name in ESTIMATE}
    planned = trials.loc[trials[design.axis] == level, "seeds"].map(len).sum()
    nothing = float("nan")
    return {**Interval(nothing, nothing, nothing, 0)._asdict(), "left_out": int(planned)}


def _fields(trials: pd.DataFrame) -> dict[str, Any]:
    """What all these trials have in common; None for a field in which they differ."""
    return {
        name: _shown(values[0]) if len(set(map(str, values))) == 1 else None
        for name in trials.columns
        if name not in NO_FIELDS
        for values in [trials[name].tolist()]
    }


def _shown(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(str(part) for part in value)
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else value
