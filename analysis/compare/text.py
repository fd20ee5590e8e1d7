"""A comparison of two runs in words and as data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.compare.rows import Bits, Parting
from caviar.analysis.compare.runs import SURE, TwoRuns
from caviar.analysis.run.read import Run

MOST_LINES = 40
"""Beyond so many differences, only the sure ones are printed, and not more than this."""


def opening(found: TwoRuns) -> str:
    """The verdict in one sentence."""
    bits, table = found.bits, found.differences
    if found.verdict == "same":
        return f"The runs are the same, bit for bit, in all {bits.rows:,} rows."
    if found.verdict == "last digits":
        return (
            f"The runs differ in the last digits: losses by at most {bits.largest_loss:.1g} nats, "
            f"{bits.differing:,} of {bits.rows:,} rows."
        )
    known = int(table["p_value"].notna().sum())
    if found.verdict == "differ":
        sure = table[table["sure"]]
        row = sure.loc[sure["p_value"].idxmin()]
        more = f", and {len(sure) - 1} more of {known} means" if len(sure) > 1 else ""
        return f"They differ: {_place(row)} by {_interval(row)}{more}."
    if not known:
        return "Whether they differ cannot be said: no mean has five units in both runs."
    return f"No mean surely differs: of {known}, the smallest adjusted p is {_least(table):.2g}."


def text(found: TwoRuns, here: Run, there: Run) -> str:
    """The sentence, then what lies behind it; differences are the second run less the first."""
    lines = [
        opening(found),
        f"  1: {here.where}, {_ends(here)}",
        f"  2: {there.where}, {_ends(there)}",
    ]
    lines += _of_bits(found.bits)
    if found.changes:
        lines.append("The studies differ in")
        lines += [
            f"  {c.field}: {json.dumps(c.here)}, then {json.dumps(c.there)}" for c in found.changes
        ]
    if found.verdict != "same":
        lines += _of_differences(found.differences)
    return "\n".join(lines)


def data(found: TwoRuns, here: Run, there: Run) -> dict[str, Any]:
    """Everything as plain values, some of them not finite."""
    table = found.differences.astype(object).where(found.differences.notna(), None)
    bits = {
        "trials": found.bits.trials,
        "rows": found.bits.rows,
        "differing": found.bits.differing,
        "tables": [asdict(compared) for compared in found.bits.tables],
    }
    return {
        "verdict": found.verdict,
        "sentence": opening(found),
        "runs": [{"where": str(run.where), "trials": run.counts} for run in (here, there)],
        "changes": [asdict(change) for change in found.changes],
        "bits": bits,
        "differences": table.to_dict("records"),
    }


def _of_bits(bits: Bits) -> list[str]:
    if bits.trials == 0:
        return ["The runs share no trial: no rows to hold side by side."]
    said = (
        f"{bits.trials} trials are in both: {bits.rows:,} rows, {bits.differing:,} of them differ"
    )
    lines = [said + (f"; {bits.alone:,} rows in one run alone" if bits.alone else "")]
    for compared in bits.tables:
        far = ", ".join(f"{column} {value:.2g}" for column, value in compared.largest.items())
        if far:
            lines.append(f"  {compared.table}: {compared.differing:,} rows, by at most {far}")
    return [*lines, *([_of_first(bits.first)] if bits.first else [])]


def _of_first(first: Parting) -> str:
    place = ", ".join(f"{key} {value}" for key, value in first.place.items() if value != "")
    return f"  first: {first.table}, {place}: {first.column} {first.here!r}, then {first.there!r}"


def _of_differences(table: pd.DataFrame) -> list[str]:
    shown = table if len(table) <= MOST_LINES else table[table["sure"]].head(MOST_LINES)
    paired = " paired by seed and draw," if len(table) and table["paired"].all() else ""
    head = f"Run 2 less run 1 at the end of training,{paired} 95 % intervals; * adjusted p < {SURE}"
    lines = [f"{_place(row)}: {_interval(row)}{_notes(row)}" for _, row in shown.iterrows()]
    rest = len(table) - len(shown)
    more = [f"  and {rest} more: --json has all"] if rest else []
    return [head, *(f"  {line}" for line in lines), *more]


def _place(row: pd.Series) -> str:
    """`test_loss at norm_batch_size = 8`."""
    names = list(row.index[: list(row.index).index("quantity")])
    level = ", ".join(f"{name} = {row[name]}" for name in names)
    under = f" of {row['tracker']}" if row["tracker"] else ""
    return f"{row['quantity']}{under}" + (f" at {level}" if level else "")


def _interval(row: pd.Series) -> str:
    if np.isnan(row["low"]):
        return f"{row['mean']:+.3g}, {row['units']} units"
    return f"{row['mean']:+.3g} [{row['low']:+.3g}, {row['high']:+.3g}], {row['units']} units"


def _notes(row: pd.Series) -> str:
    left = f", {row['left_out']} left out" if row["left_out"] else ""
    return left + ("" if row["paired"] else ", not paired") + (" *" if row["sure"] else "")


def _least(table: pd.DataFrame) -> float:
    return float(table["adjusted"].min())


def _ends(run: Run) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in run.counts.items() if n or name == "completed")
    return f"{run.study['study']['name']}, trials {counts}"
