"""Which learning rate each arm trains with: chosen on seeds that decide nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd


class Tuned(NamedTuple):
    """The draw that an arm chose at a size, its learning rate, and all rates that were tried."""

    draw: int
    rate: float
    rates: tuple[float, ...]

    @property
    def inside(self) -> bool:
        """Whether slower and faster rates were tried too, so that the best is no edge."""
        return self.rates[0] < self.rate < self.rates[-1]


def tuned_rates(
    evaluations: pd.DataFrame, choosing: Iterable[int]
) -> dict[tuple[str, float], Tuned]:
    """By arm and level, the draw with the lowest mean validation loss over the choosing seeds.

    A draw in which one of them diverged is chosen only if all did; the first of equals wins.
    `evaluations` has one row per loss, with arm, level, draw, learning_rate, seed, split,
    statistics and loss. Without a validation split the first draw counts as chosen.
    """
    judged = evaluations["seed"].isin(list(choosing)) & (evaluations["statistics"] == "population")
    rows = evaluations[judged & (evaluations["split"] == "validation")]
    losses = rows["loss"].where(np.isfinite(rows["loss"]), np.inf)
    means = losses.groupby([rows["arm"], rows["level"], rows["draw"]]).mean()
    tried = evaluations.drop_duplicates(["arm", "level", "draw"])
    return {
        (str(arm), float(level)): _tuned(group, means.get((arm, level), pd.Series(dtype=float)))
        for (arm, level), group in tried.groupby(["arm", "level"])
    }


def _tuned(group: pd.DataFrame, means: pd.Series) -> Tuned:
    rate_of = dict(zip(group["draw"], group["learning_rate"], strict=True))
    draw = int(means.idxmin()) if len(means) else min(rate_of)
    return Tuned(draw, float(rate_of[draw]), tuple(sorted(map(float, rate_of.values()))))


def untuned(tuned: Mapping[tuple[str, float], Tuned], asked: Iterable[tuple[str, float]]) -> str:
    """Which of the arms asked for have their best rate at an edge, in words; else empty."""
    at_edge = sorted(place for place in asked if place in tuned and not tuned[place].inside)
    if not at_edge:
        return ""
    (arm, level), more = at_edge[0], len(at_edge) - 1
    chosen = tuned[arm, level]
    name = f"{arm} at {level:g}" if arm else f"{level:g}"
    others = f", and {more} more" if more else ""
    if len(chosen.rates) == 1:
        return f"only one learning rate was tried, {chosen.rate:.3g}"
    return (
        f"the best of {len(chosen.rates)} learning rates lies at the edge: {chosen.rate:.3g} for "
        f"{name}{others}"
    )


def rates_in_words(
    tuned: Mapping[tuple[str, float], Tuned], asked: Iterable[tuple[str, float]]
) -> str:
    """`best 0.12 to 0.26 of 8 rates from 0.01 to 1, inside`, over the arms asked for."""
    chosen = [tuned[place] for place in asked if place in tuned]
    if not chosen:
        return ""
    best = sorted({one.rate for one in chosen})
    tried = sorted({rate for one in chosen for rate in one.rates})
    most = max(len(one.rates) for one in chosen)
    where = "inside" if all(one.inside for one in chosen) else "at an edge"
    span = f"{best[0]:.3g}" if len(best) == 1 else f"{best[0]:.3g} to {best[-1]:.3g}"
    return f"best {span} of {most} from {tried[0]:.3g} to {tried[-1]:.3g}, {where}"
