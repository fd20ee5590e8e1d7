"""Means and contrasts of levels, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import EVERY_DRAW, PAIRED_BY
from caviar.analysis.statistics.intervals import (
    Interval,
    difference_interval,
    mean_interval,
    mean_intervals,
)
from caviar.analysis.statistics.random_draws import over_draws
from caviar.analysis.statistics.ranges import clipped, range_of, range_of_difference

SEED = 0
"""Seed of the resampling generator: equal rows give equal intervals, digit for digit."""
OVER_DRAWS = ["draws", "draws_low", "draws_high"]


def level_means(
    rows: pd.DataFrame,
    design: Design,
    value: str,
    by: Sequence[str],
    reading: str = EVERY_DRAW,
) -> pd.DataFrame:
    """Mean of `value` with its interval over units, one row per level and value of `by`.

    Draws are averaged within a unit first. `left_out` counts measurements that are not finite,
    and planned ones that are missing because a trial failed, was lost or was not yet tried.
    """
    names = ["facet", *by, "level"]
    groups = rows.groupby(names, dropna=False)
    number, finite = groups.ngroup().to_numpy(), np.isfinite(rows[value].to_numpy())
    units = rows[finite].groupby([number[finite], design.unit])[value].mean()
    ends = np.searchsorted(units.index.get_level_values(0), np.arange(1, groups.ngroups))
    samples = np.split(units.to_numpy(), ends)[: groups.ngroups]
    intervals = [clipped(one, range_of(value)) for one in mean_intervals(samples, SEED)]
    table = groups.size().index.to_frame(index=False)
    made, held = (np.bincount(n, minlength=groups.ngroups) for n in (number, number[finite]))
    left_out = np.maximum(_planned(table, design, rows, reading), made) - held
    counted = pd.DataFrame(intervals, columns=list(Interval._fields)).assign(left_out=left_out)
    return pd.concat([table, counted], axis=1)


def _planned(table: pd.DataFrame, design: Design, rows: pd.DataFrame, reading: str) -> Any:
    """The measurements that each row of `table` should rest on; 0 where that is not known."""
    places = zip(table["facet"], table["level"], strict=True)
    every = np.array([design.planned.get(place, 0) for place in places], dtype=int)
    # Under the best draw, one per seed: that of the draw which its arm chose.
    return every if reading == EVERY_DRAW else np.minimum(every, rows["seed"].nunique())


def contrasts(
    rows: pd.DataFrame, design: Design, value: str, reading: str = EVERY_DRAW
) -> pd.DataFrame:
    """`value` at every level less that at the reference level, with its interval over units.

    Paired by seed where the design is: the difference is taken between the same seed (and the
    same draw, where all draws are kept) and averaged over draws before seeds are resampled.
    `left_out` counts pairs with a side that is missing or not finite; without pairing,
    measurements of either side.
    """
    names = ["facet", "level"]
    index = PAIRED_BY[reading]
    table = []
    for key, of_level, of_reference in _against_reference(rows, design):
        generator = np.random.default_rng(SEED)
        if design.paired:
            pair = of_level.set_index(index)[value] - of_reference.set_index(index)[value]
            pair = pair.where(np.isfinite(pair))
            interval = mean_interval(pair.groupby("seed").mean().to_numpy(), generator)
            left_out = int(pair.isna().sum())
        else:
            both = (of_level, of_reference)
            sides = [_by_trial(side, value) for side in both]
            interval = difference_interval(sides[0], sides[1], generator)
            left_out = sum(int((~np.isfinite(side[value])).sum()) for side in both)
        table.append(_row(names, key, clipped(interval, range_of_difference(value)), left_out))
    return _table(names, table)


def contrasts_over_draws(rows: pd.DataFrame, design: Design, value: str) -> pd.DataFrame:
    """The ends of `contrasts` for other draws of the same law too, one row per facet and level.

    `draws` counts those at which every pair is finite; the ends are those of
    `random_draws.over_draws`. Empty where nothing is drawn, or arms are not paired.
    """
    table: list[dict[str, Any]] = []
    drawn = design.paired and rows["draw"].nunique() > 1
    for key, of_level, of_reference in _against_reference(rows, design) if drawn else ():
        index = PAIRED_BY[EVERY_DRAW]
        pair = of_level.set_index(index)[value] - of_reference.set_index(index)[value]
        over = over_draws(pair.unstack("draw").to_numpy(float), np.random.default_rng(SEED))
        interval = Interval(over.mean, over.low, over.high, over.seeds)
        ends = clipped(interval, range_of_difference(value))
        row = (*key, over.draws, ends.low, ends.high)
        table.append(dict(zip(["facet", "level", *OVER_DRAWS], row, strict=True)))
    return pd.DataFrame(table, columns=["facet", "level", *OVER_DRAWS])


def by_seed(rows: pd.DataFrame, value: str, reading: str) -> pd.DataFrame:
    """`value` with one row per seed and one column per level, draws averaged.

    A draw that is missing or not finite at some level is left out of that seed at every level,
    so that levels never differ by draw; NaN for a seed without a complete draw. A level without
    any finite value has no column.
    """
    finite = rows[value].where(np.isfinite(rows[value]))
    wide = finite.groupby([rows[name] for name in (*PAIRED_BY[reading], "level")]).first()
    wide = wide.unstack("level").dropna(axis=1, how="all")
    whole = wide[wide.notna().all(axis=1)]
    return whole.groupby("seed").mean().reindex(sorted(rows["seed"].unique()))


def _against_reference(
    rows: pd.DataFrame, design: Design
) -> Iterator[tuple[tuple[str, float], pd.DataFrame, pd.DataFrame]]:
    """For every facet and level but the reference: its rows and those of the reference."""
    for facet, arms in rows.groupby("facet"):
        sides = dict(list(arms.groupby("level")))
        if design.reference in sides:
            for level in sorted(sides.keys() - {design.reference}):
                yield (str(facet), level), sides[level], sides[design.reference]


def _by_trial(rows: pd.DataFrame, value: str) -> Any:
    finite = rows[np.isfinite(rows[value])]
    return finite.groupby("trial_id")[value].mean().to_numpy()


def _row(names: list[str], key: Any, interval: Interval, left_out: int) -> dict[str, Any]:
    return {**dict(zip(names, key, strict=True)), **interval._asdict(), "left_out": left_out}


def _table(names: list[str], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a frame that has its columns even where it is empty."""
    return pd.DataFrame(rows, columns=[*names, *Interval._fields, "left_out"])
