"""One study on several data sets: what the size does across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design, design_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.interquartile_mean import interquartile_mean_interval
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.tables.comparisons import EVERY_DRAW, SEED, readings
from caviar.analysis.tables.control_arms import first_arm
from caviar.analysis.tables.families import differences
from caviar.analysis.tables.regularization import final_values

QUANTITIES = ("train_loss", "test_loss")
COLUMNS = ["quantity", "level", *Interval._fields, "data_sets"]


def across_data_sets(runs: Sequence[Run]) -> pd.DataFrame:
    """Interquartile mean over seeds of all data sets of the loss at a size less a common one.

    Of runs on the same axis and different data: differences are relative to the mean loss at
    the reference, the largest size that all have, since nats of one data set are not those of
    another; seeds are resampled within each (Agarwal et al. 2021). Every draw, averaged. Empty
    below two data sets.
    """
    chosen: dict[str, tuple[Run, Design]] = {}
    for run in map(first_arm, runs):
        design = design_of(run)
        if design is not None and design.paired and not design.facets:
            chosen.setdefault(str(run.trials["dataset_fingerprint"].iloc[0]), (run, design))
    if len(chosen) < 2 or len({design.axis for _, design in chosen.values()}) > 1:
        return pd.DataFrame(columns=COLUMNS)
    common = set.intersection(*(set(map(float, d.levels)) for _, d in chosen.values()))
    table: list[dict[str, Any]] = []
    for quantity in QUANTITIES if len(common) > 1 else ():
        relative = [_relative(*pair, quantity, max(common)) for pair in chosen.values()]
        for level in sorted(common)[:-1]:
            strata = [frame[level].to_numpy() for frame in relative]
            found = interquartile_mean_interval(strata, np.random.default_rng(SEED))
            place = {"quantity": quantity, "level": level}
            table.append({**place, **found._asdict(), "data_sets": len(strata)})
    return pd.DataFrame(table, columns=COLUMNS)


def _relative(run: Run, design: Design, quantity: str, reference: float) -> pd.DataFrame:
    """A row a seed, a column a level: difference over the mean loss at the reference."""
    held = replace(design, levels=(*design.levels, reference))
    rows = readings(run, held, final_values(run, held))[EVERY_DRAW]
    scale = rows.loc[rows["level"] == reference, quantity].mean()
    return differences(rows, held, quantity, EVERY_DRAW) / scale
