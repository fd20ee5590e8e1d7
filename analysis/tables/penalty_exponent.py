"""How the noise penalty falls with the size of the batch: exponents of 1/m - 1/N."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.statistics.power_law import Exponent, scaling_exponent
from caviar.analysis.tables.estimates import SEED, by_seed

FROM = 8.0
"""The exponent is fitted from this size up: below, 1/m is not small."""
ASYMPTOTIC_FROM = 64.0
"""From here up theory expects an exponent of 1."""

COLUMNS = ["reading", "facet", "range", *Exponent._fields]


def penalty_exponents(comparison: Comparison) -> pd.DataFrame:
    """Exponents of the penalty in u = 1/m - 1/N, one row per reading, facet and range of sizes.

    `range` is `from 8`, `from 64` (theory's asymptote), or `between` two neighbouring sizes: a
    power law has the same exponent between all of them. Under every draw over those without
    missing values (`estimates.by_seed`), seeds as units.
    """
    design = comparison.design
    table: list[dict[str, Any]] = []
    if not design.paired or design.axis != "norm_batch_size":
        return pd.DataFrame(table, columns=COLUMNS)
    examples = comparison.training_examples
    for reading, rows in comparison.readings(comparison.final_values).items():
        for facet, arm in rows.groupby("facet"):
            wide = by_seed(arm[arm["level"] < examples], "noise_penalty", reading)
            for name, exponent in _exponents(wide, examples):
                place = {"reading": reading, "facet": facet, "range": name}
                table.append({**place, **exponent._asdict()})
    return pd.DataFrame(table, columns=COLUMNS)


def _exponents(wide: pd.DataFrame, examples: int) -> Iterator[tuple[str, Exponent]]:
    """The exponent of every range of the levels of `wide`, a row per seed, a column per level."""
    for name, smallest, largest in _ranges(wide.columns.to_list()):
        yield (
            name,
            scaling_exponent(
                wide.to_numpy(),
                wide.columns.to_numpy(dtype=float),
                examples,
                np.random.default_rng(SEED),
                smallest=smallest,
                largest=largest,
            ),
        )


def _ranges(levels: list[float]) -> list[tuple[str, float, float]]:
    """Every range that holds three sizes or more, and those between two neighbours."""
    ranges = []
    for name, start in (("from 8", FROM), ("from 64", ASYMPTOTIC_FROM)):
        inside = [level for level in levels if level >= start]
        if len(inside) >= 3:
            ranges.append((name, inside[0], inside[-1]))
    return ranges + [("between", smaller, larger) for smaller, larger in pairwise(levels)]
