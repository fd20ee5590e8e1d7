"""Arms side by side: final measurements, the two readings, means and contrasts with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import Design, facet_of
from analysis.inference import Interval, difference_interval, mean_interval
from analysis.load import Run

EVERY_DRAW = "every draw"
BEST_DRAW = "best draw"
KEYS = ["facet", "level", "draw", "seed", "trial_id"]
SEED = 0
"""Of the resampling generator: equal rows give equal intervals, digit for digit."""


def final(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The rows of each trial's last measured step, with `facet` and `level` columns."""
    last = frame.groupby("trial_id")["step"].transform("max")
    rows = frame[frame["step"] == last]
    return rows.assign(facet=facet_of(rows, design), level=rows[design.axis].astype(float))


def chosen_draws(run: Run, design: Design) -> pd.DataFrame:
    """For every arm and seed, the draw with the lowest validation loss over the *other* seeds.

    The choice never sees the seed that it is used for, so its test loss is not flattered. A
    draw that diverged on any of the other seeds is not chosen while another one did not.
    Columns facet, level, seed, draw.
    """
    losses = final(run.evaluations, design)
    losses = losses[(losses["split"] == "validation") & (losses["statistics"] == "population")]
    rows: list[dict[str, Any]] = []
    for (facet, level), arm in losses.groupby(["facet", "level"]):
        wide = arm.pivot_table(index="seed", columns="draw", values="loss", dropna=False)
        values = np.where(np.isfinite(wide.to_numpy()), wide.to_numpy(), np.inf)
        for i, seed in enumerate(wide.index):
            others = np.delete(values, i, axis=0) if len(values) > 1 else values
            draw = wide.columns[int(others.mean(axis=0).argmin())]
            rows.append({"facet": facet, "level": level, "seed": seed, "draw": draw})
    return pd.DataFrame(rows)


def readings(run: Run, design: Design, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`rows` under each reading of the nuisance draws.

    `every draw` keeps all; `best draw` keeps the one chosen for each arm and seed. With one
    draw, or in a plain random search, there is only the first.
    """
    found = {EVERY_DRAW: rows}
    if design.paired and rows["draw"].nunique() > 1:
        found[BEST_DRAW] = rows.merge(
            chosen_draws(run, design), on=["facet", "level", "seed", "draw"]
        )
    return found


def level_means(rows: pd.DataFrame, design: Design, value: str, by: Sequence[str]) -> pd.DataFrame:
    """Mean of `value` at every level with its interval over units; a row a level and `by`.

    Draws are averaged within a unit first. `left_out` counts measurements that are not finite.
    """
    table = []
    generator = np.random.default_rng(SEED)
    for key, group in rows.groupby(["facet", *by, "level"], dropna=False):
        finite = group[np.isfinite(group[value])]
        units = finite.groupby(design.unit)[value].mean().to_numpy()
        interval = mean_interval(units, generator)
        table.append(_row(["facet", *by, "level"], key, interval, len(group) - len(finite)))
    return pd.DataFrame(table)


def contrasts(rows: pd.DataFrame, design: Design, value: str) -> pd.DataFrame:
    """`value` at every level less that at the reference level, with its interval over units.

    Paired by seed where the design is: the difference is taken between the same seed (and the
    same draw, where all draws are kept) and averaged over draws before seeds are resampled.
    `left_out` counts pairs with a side that is missing or not finite.
    """
    table = []
    for facet, level, difference in differences(rows, design, value):
        generator = np.random.default_rng(SEED)
        if isinstance(difference, tuple):
            here, there = difference
            interval = difference_interval(here, there, generator)
            left_out = sum(int((~np.isfinite(side)).sum()) for side in difference)
        else:
            units = difference.groupby("seed").mean().to_numpy()
            interval = mean_interval(units, generator)
            left_out = int((~np.isfinite(difference)).sum())
        table.append(_row(["facet", "level"], (facet, level), interval, left_out))
    return pd.DataFrame(table)


def differences(rows: pd.DataFrame, design: Design, value: str) -> Iterator[tuple[str, float, Any]]:
    """For every facet and level below the reference: the paired differences as a series
    indexed by seed (and draw), or both sides' units where nothing is paired."""
    for facet, arms in rows.groupby("facet"):
        sides = dict(list(arms.groupby("level")))
        if design.reference not in sides:
            continue
        for level in sorted(sides.keys() - {design.reference}):
            here, there = sides[level], sides[design.reference]
            if not design.paired:
                yield str(facet), level, (_by_trial(here, value), _by_trial(there, value))
                continue
            # Under the best-draw reading arms may have chosen different draws: pair by seed.
            index = ["seed", "draw"] if here.groupby("seed").size().max() > 1 else ["seed"]
            pair = here.set_index(index)[value] - there.set_index(index)[value]
            yield str(facet), level, pair.where(np.isfinite(pair))


def _by_trial(rows: pd.DataFrame, value: str) -> Any:
    return rows.groupby("trial_id")[value].mean().to_numpy()


def _row(names: list[str], key: Any, interval: Interval, left_out: int) -> dict[str, Any]:
    return {**dict(zip(names, key, strict=True)), **interval._asdict(), "left_out": left_out}
