"""A ranking of configurations for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from caviar.analysis.tables.configurations.ranking import QUANTITY
from caviar.analysis.terminal_width import columns, padded


def text(table: pd.DataFrame, by: str) -> str:
    """The first rows in columns for a terminal."""
    fields = list(table.columns[list(table.columns).index("other_high") + 1 :])
    head = ("rank", "trial", QUANTITY[by], "test loss", "test accuracy", *fields)
    rows = [head]
    for row in table.to_dict("records"):
        rows.append(
            (
                str(row["rank"]) + "*" * bool(row["diverged_seeds"]),
                row["trial_id"],
                _interval(row, ""),
                _interval(row, "test_"),
                f"{100 * row['test_accuracy']:.1f} %",
                *(_short(row[name]) for name in fields),
            )
        )
    widths = [max(columns(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(padded(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    starred = bool(table["diverged_seeds"].any())
    return "\n".join([*lines, *["* with seeds that diverged"] * starred])


def _interval(row: dict[str, Any], prefix: str) -> str:
    mean, low, high = (row[f"{prefix}{end}"] for end in ("mean", "low", "high"))
    ends = f" [{low:.3g}, {high:.3g}]" if low == low else ""
    return f"{mean:.3g}{ends}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return str(list(value))
    return str(value.tolist() if hasattr(value, "tolist") else value)
