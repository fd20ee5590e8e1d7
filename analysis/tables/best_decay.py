"""Which decay of the running average is best for each size, and how its memory scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.final_rows import final
from caviar.analysis.statistics.best_level import best_range
from caviar.analysis.statistics.trends import trend
from caviar.analysis.tables.estimates import SEED
from caviar.analysis.tables.running_statistics import own_decay_as_one

RULE = "unbiased"
PREDICTED = -1 / 3
"""Theory, at a fixed learning rate: the best memory 1/(1 - decay) goes as m^(-1/3), where
sampling noise, as 1/(m memory), meets drift, as memory^2."""


def best_decay(comparison: Comparison) -> pd.DataFrame:
    """The decay with the smallest mean squared error of the running mean, by layer and level.

    Of the rule `unbiased`, at the last step, draws averaged; `decay` with the confidence range
    of the best, `memory` = 1/(1 - decay) steps; edges say that a better one may lie beyond what
    was tried. Of the decays that all trials share: one that was drawn differs from the others
    by its draw. Empty below three.
    """
    rows = _errors(comparison)
    table: list[dict[str, Any]] = []
    for (facet, layer, level), part in rows.groupby(["facet", "layer", "level"]):
        wide = part.pivot_table(index="seed", columns="tracker_decay", values="square")
        if wide.shape[1] < 3:
            continue
        decays = wide.columns.to_numpy(dtype=float)
        found = best_range(wide.to_numpy(), 1 / (1 - decays), np.random.default_rng(SEED))
        table.append(
            {
                "facet": facet,
                "layer": layer,
                "level": level,
                "decay": 1 - 1 / found.level,
                "low": 1 - 1 / found.low,
                "high": 1 - 1 / found.high,
                "memory": found.level,
                "low_edge": found.low_edge,
                "high_edge": found.high_edge,
                "units": found.units,
                "left_out": found.left_out,
            }
        )
    return pd.DataFrame(table)


def memory_scaling(comparison: Comparison) -> pd.DataFrame:
    """Slope of log memory on log m of each seed's own best decay, by facet and layer.

    `predicted` is theory's -1/3 at a fixed learning rate and independent batches.
    """
    rows = _errors(comparison)
    table: list[dict[str, Any]] = []
    for (facet, layer), part in rows.groupby(["facet", "layer"]):
        at = part.loc[part.groupby(["seed", "level"])["square"].idxmin()]
        at = at.assign(log_memory=-np.log2(1 - at["tracker_decay"]))
        wide = at.pivot_table(index="seed", columns="level", values="log_memory")
        if wide.shape[1] < 3 or part["tracker_decay"].nunique() < 3:
            continue
        levels = wide.columns.to_numpy(dtype=float)
        found = trend(wide.to_numpy(), levels, np.random.default_rng(SEED))
        table.append({"facet": facet, "layer": layer, **found._asdict(), "predicted": PREDICTED})
    return pd.DataFrame(table)


def _errors(comparison: Comparison) -> pd.DataFrame:
    """Squared error of the running mean by seed, draws averaged."""
    run, design = comparison.run, comparison.design
    keys = ["facet", "layer", "level", "seed", "tracker_decay"]
    if run.statistics.empty or not design.paired:
        return pd.DataFrame(columns=[*keys, "square"])
    rows = own_decay_as_one(run, final(run.statistics, design))
    rows = rows[(rows["rule"] == RULE) & np.isfinite(rows["mean_error"])]
    rows = rows.assign(square=rows["mean_error"] ** 2)
    return rows.groupby(keys, as_index=False)["square"].mean()
