"""The draws of a search: which are averaged, and which one is best for each arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run

EVERY_DRAW = "every draw"
BEST_DRAW = "best draw"

PAIRED_BY = {EVERY_DRAW: ["seed", "draw"], BEST_DRAW: ["seed"]}
"""Under the best-draw reading a seed has one row per arm, and arms may differ in the draw."""


OF_THE_FIT = ("train_loss", "train_mode_loss", "generalisation_gap", "matched_test_loss")
"""Quantities that say how well training examples are fitted, which depends on the learning rate:
they are compared only between networks of one draw."""


def without_other_draws(rows: pd.DataFrame, reference: float) -> pd.DataFrame:
    """Rows under the best draw, without what would compare fits across learning rates.

    The quantities `OF_THE_FIT` are NaN at every level at which a seed chose another draw than at
    the `reference` level of its facet.
    """
    keys = ["facet", "seed"]
    of_reference = rows[rows["level"] == reference].drop_duplicates(keys).set_index(keys)["draw"]
    draws = of_reference.reindex(pd.MultiIndex.from_frame(rows[keys])).to_numpy()
    same = pd.Series(rows["draw"].to_numpy() == draws, index=rows.index)
    same = same.groupby([rows["facet"], rows["level"]]).transform("all")
    return rows.assign(**{name: rows[name].where(same) for name in OF_THE_FIT})


def chosen_draws(run: Run, design: Design) -> pd.DataFrame:
    """For every arm and seed, the draw with the lowest validation loss over the *other* seeds.

    The choice never sees the seed that it is used for (unless it is the only one), so its test
    loss is not biased downwards. A draw that diverged on any of the other seeds is chosen only if
    all did; draws that some arm has not finished are left out for all arms. Columns facet, level,
    seed, draw.
    """
    every = run.evaluations
    chosen_by = (every["split"] == "validation") & (every["statistics"] == "population")
    losses = final(every[chosen_by], design)
    arms = losses[["facet", "level"]].drop_duplicates()
    finished = losses.drop_duplicates(["facet", "level", "draw"]).groupby("draw").size()
    losses = losses[losses["draw"].isin(finished[finished == len(arms)].index)]
    rows: list[dict[str, Any]] = []
    means = losses.groupby(["facet", "level", "seed", "draw"])["loss"].mean()
    for (facet, level), arm in means.groupby(["facet", "level"]):
        wide = arm.droplevel(["facet", "level"]).unstack("draw")
        values = np.where(np.isfinite(wide.to_numpy()), wide.to_numpy(), np.inf)
        for i, seed in enumerate(wide.index):
            others = np.delete(values, i, axis=0) if len(values) > 1 else values
            draw = wide.columns[int(others.mean(axis=0).argmin())]
            rows.append({"facet": facet, "level": level, "seed": seed, "draw": draw})
    return pd.DataFrame(rows, columns=["facet", "level", "seed", "draw"])
