"""What each part of batch norm does: control arms against batch norm and population statistics.

An arm removes one mechanism. Compared with the first arm of the study, batch norm itself, at the
same size, it shows what that mechanism did; compared with population statistics, what remains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import EVERY_DRAW, OF_THE_FIT
from caviar.analysis.run.paired import paired
from caviar.analysis.statistics.intervals import Interval, mean_intervals
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from caviar.analysis.statistics.ranges import clipped, range_of_difference
from caviar.analysis.tables.estimates import SEED

POPULATION = "population"
"""The arm that normalises by the whole training split: no noise, no self-influence."""

BAND = ("band_low", "band_high")

QUANTITIES = ("train_loss", "test_loss", "test_accuracy", "noise_penalty")


def arm_effects(comparison: Comparison) -> pd.DataFrame:
    """Every arm less another at the end of training, paired by seed, with its interval.

    `against` is the first arm at the same size, or the arm `population` whatever its size; an arm
    with only one size is compared only with `population`. `level` is the arm's size. By reading of
    the draws and by quantity: losses and accuracy under population statistics, and the noise
    penalty; train loss only where both sides have the same draws. `left_out` counts pairs with a
    side that is missing or not finite. `band_low` and `band_high` hold for all sizes of the arm
    together, so that a size may be picked by what it shows. Empty where the study crosses another
    field too.
    """
    arms, design = comparison.arms, comparison.design
    if len(arms) < 2 or not design.paired or design.facets:
        return pd.DataFrame()
    every = comparison.across_arms
    values = every.final_values.merge(every.run.trials[["trial_id", "arm"]], on="trial_id")
    differences = [
        one
        for reading, rows in every.readings(values).items()
        for pair in _pairs(rows, arms)
        for one in pair.differences(reading)
    ]
    intervals = mean_intervals([one.by_seed for one in differences], SEED)
    return pd.DataFrame(
        [
            {
                **one.place,
                **clipped(interval, range_of_difference(one.place["quantity"]))._asdict(),
                "left_out": one.left_out,
                **dict(zip(BAND, band, strict=True)),
            }
            for one, interval, band in zip(differences, intervals, _bands(differences), strict=True)
        ]
    )


def _bands(differences: Sequence[Difference]) -> list[tuple[float, float]]:
    """The ends for all sizes together of every difference; NaN where a seed is missing."""
    bands = [(np.nan, np.nan)] * len(differences)
    together: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(differences):
        if np.isfinite(one.by_seed).all():
            size = {**one.place, "level": len(one.by_seed)}
            together[repr(size)].append(i)
    for places in together.values():
        columns = np.stack([differences[i].by_seed for i in places], axis=1)
        of_sizes = simultaneous_bands(columns, np.random.default_rng(SEED))
        low, high = range_of_difference(differences[places[0]].place["quantity"])
        ends = zip(of_sizes.low.clip(low), of_sizes.high.clip(max=high), strict=True)
        for i, (lower, upper) in zip(places, ends, strict=True):
            bands[i] = float(lower), float(upper)
    return bands


class Difference(NamedTuple):
    """What two arms differ by at each seed, `(seeds,)`, and where the difference belongs."""

    place: dict[str, Any]
    by_seed: NDArray[Any]
    left_out: int


class Pair(NamedTuple):
    """The rows of an arm at a level, and those that they are held against."""

    arm: str
    against: str
    level: float
    of_arm: pd.DataFrame
    other: pd.DataFrame

    def differences(self, reading: str) -> Iterator[Difference]:
        """The arm less the other in every quantity that may be compared."""
        sides = pd.concat([self.of_arm.assign(level=0.0), self.other.assign(level=1.0)])
        fits = reading == EVERY_DRAW or _share_draws(sides, reading)
        place = {"reading": reading, "arm": self.arm, "against": self.against, "level": self.level}
        for quantity in (name for name in QUANTITIES if fits or name not in OF_THE_FIT):
            less = paired(sides, quantity, reading).less(1.0)
            left_out = int((less.held[0] & np.isnan(less.values[0])).sum())
            yield Difference({**place, "quantity": quantity}, less.by_seed[0], left_out)


def _share_draws(sides: pd.DataFrame, reading: str) -> bool:
    """Whether every seed has the same draw on both sides."""
    one, other = paired(sides, "draw", reading).values
    return bool((one == other)[~np.isnan(one) & ~np.isnan(other)].all())


def _pairs(rows: pd.DataFrame, arms: tuple[str, ...]) -> Iterator[Pair]:
    """Every arm at every level, against the first arm at that level and against `POPULATION`."""
    by_arm = {arm: dict(list(rows[rows["arm"] == arm].groupby("level"))) for arm in arms}
    sizes = by_arm[arms[0]]
    for arm in arms:
        for level, of_arm in by_arm[arm].items():
            if arm != arms[0] and level in sizes and len(by_arm[arm]) > 1:
                yield Pair(arm, arms[0], level, of_arm, sizes[level])
            if by_arm.get(POPULATION) and arm != POPULATION:
                yield Pair(arm, POPULATION, level, of_arm, next(iter(by_arm[POPULATION].values())))


class Shown(NamedTuple):
    """The arm of a study that shows a mechanism.

    The mechanism is `removed` from batch norm, or `alone` on population statistics.
    """

    mechanism: str
    arm: str
    contrast: str


EARLIER = (
    Shown("injected noise", "noise", "alone"),
    Shown("self-influence", "leave-one-out", "removed"),
    Shown("gradient path", "stop-gradient", "removed"),
    Shown("partition diffusion", "partitions-8", "removed"),
    Shown("class composition", "stratified", "removed"),
)
"""The mechanisms that arms show in a run whose `study.json` does not say so, by the arms' names in
`studies/mechanisms.toml`."""


def shown_by_arms(study: Mapping[str, Any]) -> tuple[Shown, ...]:
    """Mechanisms and their arms as the runner noted them in the content of `study.json`."""
    if "mechanisms" not in study:
        return EARLIER
    return tuple(Shown(**row) for row in study["mechanisms"])


def mechanism_shares(effects: pd.DataFrame, shown: tuple[Shown, ...]) -> pd.DataFrame:
    """What each mechanism adds to train and test loss at every size, from `arm_effects`.

    `whole` is batch norm less population statistics; the others are batch norm less the arm
    without that mechanism, so shares need not add up: mechanisms interact. `injected noise` is
    that of independent normal draws on population statistics. By reading, quantity and size.
    """
    if effects.empty:
        return pd.DataFrame()
    kept = effects[effects["quantity"].isin(["train_loss", "test_loss"])]
    first = kept.loc[kept["against"] != POPULATION, "against"]
    parts = []
    if (kept["against"] == POPULATION).any() and len(first):
        against = kept[kept["against"] == POPULATION]
        alone = [(one.mechanism, one.arm) for one in shown if one.contrast == "alone"]
        for name, arm in (("whole", first.iloc[0]), *alone):
            parts.append(against[against["arm"] == arm].assign(mechanism=name))
    for name, arm in ((one.mechanism, one.arm) for one in shown if one.contrast == "removed"):
        rows = kept[(kept["arm"] == arm) & (kept["against"] != POPULATION)]
        turned = {"mean": -rows["mean"], "low": -rows["high"], "high": -rows["low"]}
        turned |= {"band_low": -rows["band_high"], "band_high": -rows["band_low"]}
        parts.append(rows.assign(mechanism=name, **turned))
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    columns = ["reading", "mechanism", "level", "quantity", *Interval._fields, "left_out", *BAND]
    return table[columns]
