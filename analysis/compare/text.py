"""A comparison of two runs in words and as data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.compare.rows import Bits, ComparedTable, Parting
from caviar.analysis.compare.runs import SIGNIFICANT, Change, TwoRuns
from caviar.analysis.run.read import Run

MOST_LINES = 40
"""With more differences, only the significant ones are printed, and at most this many."""


def opening(two: TwoRuns) -> str:
    """The verdict in one sentence."""
    bits, table = two.bits, two.differences
    if two.verdict == "same":
        return f"The runs are the same, bit for bit, in all {bits.rows:,} rows."
    if two.verdict == "last digits":
        return (
            f"The runs differ in the last digits: losses by at most {bits.largest_loss:.1g} nats, "
            f"{bits.differing:,} of {bits.rows:,} rows."
        )
    known = int(table["p_value"].notna().sum())
    if two.verdict == "differ":
        sure = table[table["sure"]]
        row = sure.loc[sure["p_value"].idxmin()]
        more = f", and {len(sure) - 1} more of {known} means" if len(sure) > 1 else ""
        return f"They differ: {_place(row)} by {_interval(row)}{more}."
    if not known:
        return "Whether they differ is unknown: no mean has five units in both runs."
    least = f"the smallest of {known} adjusted p-values is {_least(table):.2g}"
    return f"No mean differs significantly: {least}."


def text(two: TwoRuns, first: Run, second: Run) -> str:
    """The verdict, then its details; differences are the second run less the first."""
    lines = [
        opening(two),
        f"  1: {first.where}, {_ends(first)}",
        f"  2: {second.where}, {_ends(second)}",
    ]
    lines += _of_bits(two.bits)
    if two.changes:
        lines.append("The studies differ in")
        lines += [
            f"  {c.field}: {json.dumps(c.first_value)}, then {json.dumps(c.second_value)}"
            for c in two.changes
        ]
    if two.verdict != "same":
        lines += _of_differences(two.differences)
    return "\n".join(lines)


def data(two: TwoRuns, first: Run, second: Run) -> dict[str, Any]:
    """Everything as plain values for JSON, except that some are not finite."""
    table = two.differences.astype(object).where(two.differences.notna(), None)
    bits = {
        "trials": two.bits.trials,
        "rows": two.bits.rows,
        "differing": two.bits.differing,
        "tables": [_of_table(compared) for compared in two.bits.tables],
    }
    return {
        "verdict": two.verdict,
        "sentence": opening(two),
        "runs": [{"where": str(run.where), "trials": run.counts} for run in (first, second)],
        "changes": [_in_both(change) for change in two.changes],
        "bits": bits,
        "differences": table.to_dict("records"),
    }


def _of_table(compared: ComparedTable) -> dict[str, Any]:
    return asdict(compared) | {"first": _in_both(compared.first) if compared.first else None}


def _in_both(difference: Change | Parting) -> dict[str, Any]:
    """Its fields, the values of the first and second run under `here` and `there`."""
    names = {"first_value": "here", "second_value": "there"}
    return {names.get(name, name): value for name, value in asdict(difference).items()}


def _of_bits(bits: Bits) -> list[str]:
    if bits.trials == 0:
        return ["The runs share no trial, so there are no rows to compare."]
    counts = (
        f"{bits.trials} trials are in both: {bits.rows:,} rows, {bits.differing:,} of them differ"
    )
    lines = [counts + (f"; {bits.alone:,} rows are in only one run" if bits.alone else "")]
    for compared in bits.tables:
        far = ", ".join(f"{column} {value:.2g}" for column, value in compared.largest.items())
        if far:
            lines.append(f"  {compared.table}: {compared.differing:,} rows, by at most {far}")
    return [*lines, *([_of_first(bits.first)] if bits.first else [])]


def _of_first(first: Parting) -> str:
    place = ", ".join(f"{key} {value}" for key, value in first.place.items() if value != "")
    values = f"{first.first_value!r}, then {first.second_value!r}"
    return f"  first difference: {first.table}, {place}: {first.column} {values}"


def _of_differences(table: pd.DataFrame) -> list[str]:
    shown = table if len(table) <= MOST_LINES else table[table["sure"]].head(MOST_LINES)
    paired = " paired by seed and draw," if len(table) and table["paired"].all() else ""
    head = (
        f"Run 2 less run 1 at the end of training,{paired} 95 % intervals; "
        f"* adjusted p < {SIGNIFICANT}"
    )
    lines = [f"{_place(row)}: {_interval(row)}{_notes(row)}" for _, row in shown.iterrows()]
    rest = len(table) - len(shown)
    more = [f"  and {rest} more; --json prints all"] if rest else []
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
