"""Phrases that the sentences of several findings share."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import with_interval


def by_facet(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The table facet by facet, each with the words that open its sentences."""
    if table.empty:
        return []
    return [(opening(facet), rows.sort_values("level")) for facet, rows in table.groupby("facet")]


def opening(facet: object) -> str:
    """`"norm = layer: "`, or nothing where there is one facet without a name."""
    return f"{facet}: " if facet else ""


def at_level(results: Results, level: float) -> str:
    """`m = 8`, with the letter of the axis that is compared."""
    return f"{results.design.symbol} = {level:g}"


def drawn_fields(results: Results) -> str:
    """`learning rate and momentum`: what each draw draws."""
    return " and ".join(name.replace("_", " ") for name in results.run.study["study"]["nuisance"])


def first_and_last(
    results: Results,
    rows: pd.DataFrame,
    unit: str,
    *,
    signed: bool = False,
) -> str:
    """`0.3 [0.2, 0.4] nats at m = 4. At m = 256 that is 0.1 [0, 0.2]`: a sentence for each end."""
    first, last = rows.iloc[0], rows.iloc[-1]
    text = f"{with_interval(first, unit, signed=signed)} at {at_level(results, first['level'])}"
    if len(rows) > 1:
        end = at_level(results, last["level"])
        text += f". At {end} that is {with_interval(last, signed=signed)}"
    return text


def behind(results: Results, units: int, most: int = 0) -> str:
    """`8 seeds; 1 diverged, 0 failed, 0 lost`: the data behind a headline; or `1 to 3 trials`."""
    counts = results.run.counts
    what = "seed" if results.design.paired else "trial"
    what += "" if max(units, most) == 1 else "s"
    how_many = f"{units} to {most}" if most > units else f"{units}"
    ended = ", ".join(f"{counts[name]} {name}" for name in ("diverged", "failed", "lost"))
    ended += f", {counts['stopped']} stopped early" * (counts["stopped"] > 0)
    return f"{how_many} {what}; {ended}"
