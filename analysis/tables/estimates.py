"""Means and contrasts of levels, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.groups import numbered
from caviar.analysis.run.paired import facets, mean_of_finite, paired
from caviar.analysis.statistics.intervals import (
    Interval,
    difference_interval,
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
    return each_level_means(rows, design, [value], by, reading)[value]


def each_level_means(
    rows: pd.DataFrame,
    design: Design,
    values: Iterable[str],
    by: Sequence[str],
    reading: str = EVERY_DRAW,
) -> dict[str, pd.DataFrame]:
    """`level_means` of several values of the same rows, by value."""
    number, table = numbered(rows, ["facet", *by, "level"])
    unit, units = pd.factorize(rows[design.unit], sort=True)
    shape = len(table), len(units)
    planned = _planned(table, design, rows, reading)
    return {
        value: _of_levels(table, planned, value, rows[value].to_numpy(float), number, unit, shape)
        for value in values
    }


def _of_levels(
    table: pd.DataFrame,
    planned: Any,
    value: str,
    measured: Any,
    number: Any,
    unit: Any,
    shape: tuple[int, int],
) -> pd.DataFrame:
    """The groups of `table` with means over units: `number` and `unit` place every row."""
    finite = np.isfinite(measured)
    place = (number * shape[1] + unit)[finite]
    sums = np.bincount(place, measured[finite], shape[0] * shape[1]).reshape(shape)
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    samples = [of[held > 0] / held[held > 0] for of, held in zip(sums, counts, strict=True)]
    intervals = [clipped(one, range_of(value)) for one in mean_intervals(samples, SEED)]
    made, held = (np.bincount(n, minlength=len(table)) for n in (number, number[finite]))
    of_each = {name: [getattr(one, name) for one in intervals] for name in Interval._fields}
    return table.assign(**of_each, left_out=np.maximum(planned, made) - held)


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
    of_level = _pairs if design.paired else _unpaired
    table = [
        {"facet": facet, **row._asdict()}
        for facet, arm in facets(rows)
        for row in of_level(arm, design, value, reading)
    ]
    return pd.DataFrame(table, columns=["facet", *Contrast._fields])


class Contrast(NamedTuple):
    """A level less the reference."""

    level: float
    mean: float
    low: float
    high: float
    units: int
    left_out: int


def _pairs(arm: pd.DataFrame, design: Design, value: str, reading: str) -> Iterator[Contrast]:
    """The contrasts of one facet, paired by seed and draw."""
    at_level = paired(arm, value, reading)
    if design.reference not in at_level.levels:
        return
    pairs = at_level.less(design.reference)
    left_out = (pairs.held & np.isnan(pairs.values)).sum(axis=(1, 2))
    limits = range_of_difference(value)
    intervals = mean_intervals(pairs.by_seed, SEED)
    for level, interval, missing in zip(pairs.levels, intervals, left_out, strict=True):
        if level != design.reference:
            yield Contrast(float(level), *clipped(interval, limits), int(missing))


def _unpaired(arm: pd.DataFrame, design: Design, value: str, _: str) -> Iterator[Contrast]:
    """The contrasts of one facet between the trials of two levels."""
    sides = dict(list(arm.groupby("level")))
    reference = sides.pop(design.reference, None)
    for level, side in sorted(sides.items()) if reference is not None else ():
        generator = np.random.default_rng(SEED)
        both = (side, reference)
        of_side, of_reference = (_by_trial(one, value) for one in both)
        interval = difference_interval(of_side, of_reference, generator)
        left_out = sum(int((~np.isfinite(one[value])).sum()) for one in both)
        yield Contrast(level, *clipped(interval, range_of_difference(value)), left_out)


def contrasts_over_draws(rows: pd.DataFrame, design: Design, value: str) -> pd.DataFrame:
    """The ends of `contrasts` for other draws of the same law too, one row per facet and level.

    `draws` counts those at which every pair is finite; the ends are those of
    `random_draws.over_draws`. Empty where nothing is drawn, or arms are not paired.
    """
    table: list[Any] = []
    drawn = design.paired and rows["draw"].nunique() > 1
    for facet, arm in facets(rows) if drawn else ():
        at_level = paired(arm, value, EVERY_DRAW)
        if design.reference not in at_level.levels:
            continue
        pairs = at_level.less(design.reference)
        for level, values, held in zip(pairs.levels, pairs.values, pairs.held, strict=True):
            if level != design.reference:
                table.append((facet, level, *_over(values, held, value)))
    return pd.DataFrame(table, columns=["facet", "level", *OVER_DRAWS])


def _over(values: Any, held: Any, value: str) -> tuple[int, float, float]:
    """Draws and ends of the pairs of one level, `(seeds, draws)`, where either side was run."""
    run = values[held.any(axis=1)][:, held.any(axis=0)]
    over = over_draws(run, np.random.default_rng(SEED))
    interval = Interval(over.mean, over.low, over.high, over.seeds)
    ends = clipped(interval, range_of_difference(value))
    return over.draws, ends.low, ends.high


def by_seed(rows: pd.DataFrame, value: str, reading: str) -> pd.DataFrame:
    """`value` with one row per seed and one column per level, draws averaged.

    A draw that is missing or not finite at some level is left out of that seed at every level,
    so that levels never differ by draw; NaN for a seed without a complete draw. A level without
    any finite value has no column.
    """
    at_level = paired(rows, value, reading)
    known = ~np.isnan(at_level.values)
    levels = known.any(axis=(1, 2))
    whole = known[levels].all(axis=0)
    means = mean_of_finite(np.where(whole, at_level.values[levels], np.nan))
    seeds = pd.Index(at_level.seeds, name="seed")
    return pd.DataFrame(means.T, seeds, pd.Index(at_level.levels[levels], name="level"))


def _by_trial(rows: pd.DataFrame, value: str) -> Any:
    finite = rows[np.isfinite(rows[value])]
    return finite.groupby("trial_id")[value].mean().to_numpy()
