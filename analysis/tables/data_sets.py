"""One study on several data sets: the effect of the size across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.statistics.interquartile_mean import interquartile_mean_interval
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.tables.estimates import SEED
from caviar.analysis.tables.families import differences

QUANTITIES = ("train_loss", "test_loss")
COLUMNS = ["quantity", "level", *Interval._fields, "data_sets"]


def across_data_sets(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Interquartile mean, over the seeds of all data sets, of the loss less that at a common size.

    For runs on the same axis and different data. Differences are relative to the mean loss at
    the reference, the largest size that all have, since nats of one data set are not comparable
    with those of another; seeds are resampled within each (Agarwal et al. 2021). Both
    losses are read as `Comparison.told_values` says. Empty below two data sets.
    """
    chosen: dict[str, Comparison] = {}
    for one in comparisons:
        if one.design.paired and not one.design.facets:
            chosen.setdefault(str(one.run.trials["dataset_fingerprint"].iloc[0]), one)
    if len(chosen) < 2 or len({one.design.axis for one in chosen.values()}) > 1:
        return pd.DataFrame(columns=COLUMNS)
    common = set.intersection(*(set(map(float, one.design.levels)) for one in chosen.values()))
    table: list[dict[str, Any]] = []
    for quantity in QUANTITIES if len(common) > 1 else ():
        relative = [_relative(one, quantity, max(common)) for one in chosen.values()]
        for level in sorted(common)[:-1]:
            strata = [frame[level].to_numpy() for frame in relative]
            interval = interquartile_mean_interval(strata, np.random.default_rng(SEED))
            place = {"quantity": quantity, "level": level}
            table.append({**place, **interval._asdict(), "data_sets": len(strata)})
    return pd.DataFrame(table, columns=COLUMNS)


def _relative(comparison: Comparison, quantity: str, reference: float) -> pd.DataFrame:
    """A row per seed, a column per level: difference over the mean loss at the reference."""
    design = comparison.design
    held = replace(design, levels=(*design.levels, reference))
    reading, rows = comparison.told_values(quantity)
    scale = rows.loc[rows["level"] == reference, quantity].mean()
    return differences(rows, held, quantity, reading) / scale
