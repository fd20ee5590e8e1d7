"""Running averages by name, for figures."""

from __future__ import annotations

import pandas as pd


def trackers(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """One series per running average and facet, with its name."""
    several = table["facet"].nunique() > 1
    named = []
    for (facet, rule, decay), rows in table.groupby(
        ["facet", "rule", "tracker_decay"], dropna=False
    ):
        name = rule if pd.isna(decay) else f"{rule} {decay:g}"
        named.append((f"{name}, {facet}" if several else name, rows))
    return named
