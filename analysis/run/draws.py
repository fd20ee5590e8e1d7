"""The draws of a search: which are averaged, and which one is best for each arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run

EVERY_DRAW = "every draw"
BEST_DRAW = "best draw"
SHARED_DRAW = "shared draw"
"""The one draw that most levels choose, for all of them."""

PAIRED_BY = {EVERY_DRAW: ["seed", "draw"], BEST_DRAW: ["seed"], SHARED_DRAW: ["seed"]}
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


CHOOSING_SHARE = 3
"""One seed of this many chooses; the others are read."""
LEFT_TO_READ = 5
"""Seeds that an interval needs (`statistics.intervals.FEWEST`)."""


def split_seeds(seeds: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds that choose, and those at which the choice is read.

    The first third chooses, rounded down, but fewer where less than five would be left for an
    interval, and at least one. What is read is then independent of the choice, and its interval
    is that of a draw named beforehand. A single seed does both.
    """
    if len(seeds) < 2:
        return tuple(seeds), tuple(seeds)
    count = max(1, min(len(seeds) // CHOOSING_SHARE, len(seeds) - LEFT_TO_READ))
    return tuple(seeds[:count]), tuple(seeds[count:])


def chosen_draws(run: Run, design: Design) -> pd.DataFrame:
    """For every arm, the draw with the lowest validation loss over the seeds that choose.

    One row for each of the other seeds (`split_seeds`), so that no seed is read at a choice that
    it made: columns facet, level, seed, draw. A draw that diverged on one of the choosing seeds
    is chosen only if all did; draws that some arm has not finished are left out for all arms.
    """
    every = run.evaluations
    judged = (every["split"] == "validation") & (every["statistics"] == "population")
    losses = final(every[judged], design)
    arms = losses[["facet", "level"]].drop_duplicates()
    finished = losses.drop_duplicates(["facet", "level", "draw"]).groupby("draw").size()
    losses = losses[losses["draw"].isin(finished[finished == len(arms)].index)]
    choosing, reading = split_seeds(sorted(every["seed"].unique()))
    losses = losses[losses["seed"].isin(choosing)]
    finite = losses["loss"].where(np.isfinite(losses["loss"]), np.inf)
    means = finite.groupby([losses["facet"], losses["level"], losses["draw"]]).mean()
    rows: list[dict[str, Any]] = []
    for (facet, level), arm in means.groupby(["facet", "level"]):
        draw = arm.index.get_level_values("draw")[int(arm.to_numpy().argmin())]
        rows += [{"facet": facet, "level": level, "seed": s, "draw": draw} for s in reading]
    return pd.DataFrame(rows, columns=["facet", "level", "seed", "draw"])
