"""How training went: losses against the step, the median over seeds with a band."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import facet_of

MOST_STEPS = 60
"""Of more steps so many are kept, evenly apart."""
BAND = (0.25, 0.75)
PLACE = ["facet", "quantity", "level", "step"]
COLUMNS = [*PLACE, "median", "lower_quartile", "upper_quartile", "units"]


def training_curves(comparison: Comparison) -> pd.DataFrame:
    """Median and quartiles over seeds of the losses while training, by facet, level and step.

    `batch_loss` is the loss that an update saw, under the batch's own statistics; `test_loss`
    that of the test split under population statistics, where it was measured at more than one
    step. At the draws that are told; what is not finite is left out. Empty for a random search,
    whose trials are measured at other steps each.
    """
    if not comparison.design.paired:
        return pd.DataFrame(columns=COLUMNS)
    run = comparison.over_time
    tests = run.evaluations
    tests = tests[(tests["split"] == "test") & (tests["statistics"] == "population")]
    parts = {"batch_loss": run.curves, "test_loss": tests}
    kept = [
        _of_told(comparison, rows).assign(quantity=quantity)
        for quantity, rows in parts.items()
        if rows["step"].nunique() > 1
    ]
    if not kept:
        return pd.DataFrame(columns=COLUMNS)
    rows = pd.concat(kept, ignore_index=True)
    losses = rows[np.isfinite(rows["loss"])].groupby(PLACE)["loss"]
    ends = losses.quantile([BAND[0], 0.5, BAND[1]]).unstack()
    ends.columns = pd.Index(["lower_quartile", "median", "upper_quartile"])
    return ends.assign(units=losses.size()).reset_index()[COLUMNS]


def _of_told(comparison: Comparison, rows: pd.DataFrame) -> pd.DataFrame:
    """The losses of the draws that are told, at few enough steps."""
    steps = np.unique(rows["step"])
    places = np.linspace(0, len(steps) - 1, min(MOST_STEPS, len(steps))).round().astype(int)
    rows = rows.loc[rows["step"].isin(steps[places]), :]
    design = comparison.design
    rows = rows.assign(facet=facet_of(rows, design), level=rows[design.axis].astype(float))
    return comparison.told_rows(rows)[["facet", "level", "seed", "draw", "step", "loss"]]
