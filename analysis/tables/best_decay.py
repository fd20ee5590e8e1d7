"""The best decay of the running average for each size, and how its memory scales."""

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
"""Theory at a fixed learning rate: the best memory 1/(1 - decay) scales as m^(-1/3), since it
balances sampling noise, which scales as 1/(m memory), and drift, which scales as memory^2."""


def best_decay(comparison: Comparison) -> pd.DataFrame:
    """The decay with the smallest mean squared error of the running mean, by layer and level.

    For the rule `unbiased` at the last step, each size at the draw that it chose
    (`Comparison.told`). `decay` comes with the confidence
    range of the best, and `memory` = 1/(1 - decay) steps; edges say that a better one may lie
    beyond the decays tried. Only decays that all trials share count: drawn decays differ by draw.
    Empty below three decays.
    """
    rows = _errors(comparison)
    table: list[dict[str, Any]] = []
    for (facet, layer, level), part in rows.groupby(["facet", "layer", "level"]):
        wide = part.pivot_table(index="seed", columns="tracker_decay", values="square")
        if wide.shape[1] < 3:
            continue
        decays = wide.columns.to_numpy(dtype=float)
        best = best_range(wide.to_numpy(), 1 / (1 - decays), np.random.default_rng(SEED))
        table.append(
            {
                "facet": facet,
                "layer": layer,
                "level": level,
                "decay": 1 - 1 / best.level,
                "low": 1 - 1 / best.low,
                "high": 1 - 1 / best.high,
                "memory": best.level,
                "low_edge": best.low_edge,
                "high_edge": best.high_edge,
                "units": best.units,
                "left_out": best.left_out,
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
        best = part.loc[part.groupby(["seed", "level"])["square"].idxmin()]
        best = best.assign(log_memory=-np.log2(1 - best["tracker_decay"]))
        wide = best.pivot_table(index="seed", columns="level", values="log_memory")
        if wide.shape[1] < 3 or part["tracker_decay"].nunique() < 3:
            continue
        levels = wide.columns.to_numpy(dtype=float)
        slope = trend(wide.to_numpy(), levels, np.random.default_rng(SEED))
        table.append({"facet": facet, "layer": layer, **slope._asdict(), "predicted": PREDICTED})
    return pd.DataFrame(table)


def _errors(comparison: Comparison) -> pd.DataFrame:
    """Squared error of the running mean by seed, at the draws of `Comparison.told`."""
    run, design = comparison.run, comparison.design
    keys = ["facet", "layer", "level", "seed", "tracker_decay"]
    if run.statistics.empty or not design.paired:
        return pd.DataFrame(columns=[*keys, "square"])
    rows = own_decay_as_one(run, comparison.told_rows(final(run.statistics, design)))
    rows = rows[(rows["rule"] == RULE) & np.isfinite(rows["mean_error"])]
    rows = rows.assign(square=rows["mean_error"] ** 2)
    return rows.groupby(keys, as_index=False)["square"].mean()
