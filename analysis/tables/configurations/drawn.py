"""The drawn fields of a search, and where on its range a trial lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.read import Run

FEWEST_FIELDS = 2
"""A search that draws a single field is shown by field: its figure is that of tuning."""


def drawn_fields(run: Run) -> list[str]:
    """The fields of [nuisance] that differ between trials, in the order of the study."""
    return [
        name for name in run.study["study"]["nuisance"] if run.trials[name].map(str).nunique() > 1
    ]


def is_search(comparison: Comparison) -> bool:
    """Whether every trial is another point of a space: several fields drawn, nothing crossed."""
    drawn = drawn_fields(comparison.whole)
    return not comparison.design.paired and len(drawn) >= FEWEST_FIELDS


def scale_of(run: Run, field: str) -> str:
    """The name of the scale that a field was drawn on, as the study has it."""
    drawn = run.study["study"]["nuisance"][field]
    return str(drawn.get("scale", "choice")) if isinstance(drawn, dict) else "choice"


def positions(run: Run, field: str, values: pd.Series) -> NDArray[Any]:
    """Places of values from 0, the lowest drawn, to 1, the highest, on the scale of the field."""
    scale = scale_of(run, field)
    if scale == "choice" or not pd.api.types.is_numeric_dtype(values):
        order = {value: i for i, value in enumerate(sorted(values.map(str).unique(), key=_order))}
        places = values.map(str).map(order).to_numpy(dtype=float)
    elif scale == "one_minus_log_uniform":
        places = -np.log1p(-values.to_numpy(dtype=float))
    else:
        plain = values.to_numpy(dtype=float)
        places = np.log(plain) if scale in ("log_uniform", "int_log2_uniform") else plain
    low, high = places.min(), places.max()
    spread: NDArray[Any] = (places - low) / (high - low) if high > low else places * 0 + 0.5
    return spread


def _order(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
