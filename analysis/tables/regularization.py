"""Question 1: what the size of the normalised mini-batch does to the fit and to test loss."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW, OF_THE_FIT, PAIRED_BY, SHARED_DRAW
from caviar.analysis.run.overlap import overlap_of, with_other_data
from caviar.analysis.statistics.best_level import BestRange, best_range
from caviar.analysis.statistics.trends import Trend, page, trend
from caviar.analysis.statistics.u_shape import u_shape
from caviar.analysis.tables.estimates import (
    SEED,
    by_seed,
    contrasts,
    contrasts_over_draws,
    each_level_means,
    level_means,
)
from caviar.analysis.tables.families import MARGINS, family

QUANTITIES = {
    "train_mode_loss": "train-mode loss",
    "train_loss": "train loss",
    "test_loss": "test loss",
    "generalisation_gap": "the gap between train and test loss",
    "matched_test_loss": "test loss at equal train loss",
    "test_accuracy": "test accuracy",
}
"""What is read side by side for every size, all but the first under population statistics."""

TRENDS = (*(name for name in QUANTITIES if name != "matched_test_loss"), "noise_penalty")
"""What is read at the last step, so that every size has it."""

RISES, FALLS, STAYS, UNDECIDED = "rises", "falls", "stays", "undecided"
"""What a quantity does at a size, against the largest: `moved`."""

SIDE_BY_SIDE = ["reading", "facet", "level", *QUANTITIES, "moves"]


def noise_penalty(comparison: Comparison) -> pd.DataFrame:
    """Train-mode less population loss at the same weights, by reading, facet and level.

    A norm batch of the whole training split is left out: its statistics are the population's.
    """
    trials, values = comparison.run.trials, comparison.final_values
    noisy = trials["norm"] == "batch"
    noisy &= trials["norm_batch_size"] < comparison.training_examples
    values = values[values["trial_id"].isin(trials.loc[noisy, "trial_id"])]
    parts = [
        with_other_data(
            level_means(rows, comparison.design, "noise_penalty", [], reading),
            overlap_of(comparison.run),
            "noise_penalty",
        ).assign(reading=reading)
        for reading, rows in comparison.readings(values).items()
    ]
    return _ordered(parts, [])


def effect_of_size(comparison: Comparison) -> pd.DataFrame:
    """Each quantity at every level less that at the largest, by reading and facet.

    With the interval of each difference, the statements of `families.family` about all of them
    together, under every draw the interval of `estimates.contrasts_over_draws`, and what follows
    (`moved`). Quantities of the fit are left out at sizes that chose another draw than the
    largest (`draws.without_other_draws`).
    """
    design = comparison.design
    readings = comparison.final_readings
    table = _effects(readings, design)
    over = {
        (EVERY_DRAW, quantity): contrasts_over_draws(readings[EVERY_DRAW], design, quantity)
        for quantity in QUANTITIES
    }
    table = _known(_beside(table, over))
    return table.assign(moved=moved(table))


def effect_at_shared_draw(comparison: Comparison) -> pd.DataFrame:
    """The same at the one draw that most levels choose (`Comparison.at_shared_draw`), by facet."""
    rows, design = comparison.at_shared_draw, comparison.design
    if rows.empty:
        return pd.DataFrame()
    table = _known(_effects({SHARED_DRAW: rows}, design))
    return table.assign(moved=moved(table))


def _effects(readings: dict[str, pd.DataFrame], design: Design) -> pd.DataFrame:
    """Each quantity at every level less that at the largest, with what `family` says of it."""
    places = list(product(readings, QUANTITIES))
    effects = [
        contrasts(readings[r], design, q, r).assign(reading=r, quantity=q) for r, q in places
    ]
    together = {(r, q): family(readings[r], design, q, r) for r, q in places}
    return _beside(_ordered(effects, ["quantity"]), together)


def _beside(table: pd.DataFrame, more: dict[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """`table` with further columns, which `more` holds by reading and quantity."""
    parts = [
        part.assign(reading=reading, quantity=quantity)
        for (reading, quantity), part in more.items()
        if len(part)
    ] or [part.assign(reading="", quantity="") for part in list(more.values())[:1]]
    keys = ["reading", "quantity", "facet", "level"]
    return table.merge(pd.concat(parts, ignore_index=True), on=keys, how="left")


def moved(effects: pd.DataFrame) -> pd.Series:
    """For every effect `rises`, `falls`, `stays` or `undecided`; empty where there is no band.

    A quantity moves where its difference exceeds the margin in `families.MARGINS` and the band
    that holds for all sizes together excludes 0; it stays where it is significantly within the
    margin (`equivalent`). A difference beyond the margin is never equivalent to 0.
    """
    margin = effects["quantity"].map(MARGINS).astype(float)
    rises = (effects["band_low"] > 0) & (effects["mean"] > margin)
    falls = (effects["band_high"] < 0) & (effects["mean"] < -margin)
    stays = effects["equivalent"].eq(True) & ~rises & ~falls
    known = effects["band_low"].notna()
    words = np.select([rises, falls, stays, known], [RISES, FALLS, STAYS, UNDECIDED], default="")
    return pd.Series(words, index=effects.index)


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of fits that would compare other draws, and of matched losses where no
    evaluation is near."""
    of_fit = (table["reading"] == BEST_DRAW) & table["quantity"].isin(OF_THE_FIT)
    of_fit |= table["quantity"] == "matched_test_loss"
    return table[~(of_fit & (table["units"] == 0))].reset_index(drop=True)


def losses(comparison: Comparison) -> pd.DataFrame:
    """Every quantity itself at every level, by reading and facet."""
    overlap = overlap_of(comparison.run)
    parts = [
        with_other_data(means, overlap, quantity).assign(reading=reading, quantity=quantity)
        for reading, rows in comparison.final_readings.items()
        for quantity, means in each_level_means(
            rows, comparison.design, QUANTITIES, [], reading
        ).items()
    ]
    return _known(_ordered(parts, ["quantity"]))


def side_by_side(comparison: Comparison, effects: pd.DataFrame) -> pd.DataFrame:
    """Means of all quantities of `QUANTITIES`, one row per reading, facet and size.

    Over the seeds and draws that every size has (`estimates.by_seed`), so that sizes never differ
    by learning rate: at every draw, and at the draw that most of them choose. `moves` names what
    moves against the largest size, from the `effects` of both readings. Empty where nothing is
    paired.
    """
    parts = []
    readings = {EVERY_DRAW: comparison.final_values, SHARED_DRAW: comparison.at_shared_draw}
    for reading, rows in readings.items() if comparison.design.paired else ():
        for facet, arm in rows.groupby("facet"):
            means = {name: by_seed(arm, name, reading).mean() for name in QUANTITIES}
            if len(means["matched_test_loss"]) < 2:  # The size that fits worst, beside no other.
                means["matched_test_loss"] *= np.nan
            wide = pd.DataFrame(means).rename_axis("level").reset_index()
            wide.insert(0, "facet", facet)
            wide.insert(0, "reading", reading)
            parts.append(wide)
    if not parts:
        return pd.DataFrame(columns=SIDE_BY_SIDE)
    table = pd.concat(parts, ignore_index=True)
    moving = effects[effects["moved"].isin([RISES, FALLS])]
    named = moving["quantity"] + " " + moving["moved"]
    keys = ["reading", "facet", "level"]
    moves = named.groupby([moving[key] for key in keys]).agg(", ".join).rename("moves")
    table = table.merge(moves.reset_index(), how="left", on=keys)
    return table.assign(moves=table["moves"].fillna(""))[SIDE_BY_SIDE]


def best_size(comparison: Comparison) -> pd.DataFrame:
    """The level with the lowest test loss, by reading and facet, with a confidence range.

    `p_u_shape` tests that test loss falls before it and rises after it.

    Only where arms are paired by seed: without pairing, the best of many draws mostly shows which
    size had the luckiest one. A size at which a measurement is missing or not finite
    cannot be the best; `excluded` counts such sizes.
    """
    table = []
    for reading, rows in comparison.final_readings.items():
        for facet, arm in rows.groupby("facet") if comparison.design.paired else ():
            counts = arm["test_loss"].map(np.isfinite).groupby(arm["level"]).sum()
            # The same seeds and draws at every size; under the best draw, the same seeds.
            whole = counts == len(arm[PAIRED_BY[reading]].drop_duplicates())
            kept = arm[arm["level"].isin(whole[whole].index)]
            if kept["level"].nunique() < 2:
                continue
            wide = kept.pivot_table(index="seed", columns="level", values="test_loss")
            generator = np.random.default_rng(SEED)
            levels = wide.columns.to_numpy(dtype=float)
            best = best_range(wide.to_numpy(), levels, generator)
            turn = u_shape(wide.to_numpy(), levels, generator)
            table.append(
                {
                    "reading": reading,
                    "facet": facet,
                    **best._asdict(),
                    "p_u_shape": turn.p_value,
                    "excluded": int((~whole).sum()),
                }
            )
    columns = ["reading", "facet", *BestRange._fields, "p_u_shape", "excluded"]
    return pd.DataFrame(table, columns=columns)


def trends(comparison: Comparison) -> pd.DataFrame:
    """Slope of each quantity on log2 of the size, and Page's test of its order.

    Per seed over all sizes below the reference, over draws without missing values
    (`estimates.by_seed`); in units of the quantity per doubling. By reading, quantity and facet;
    only for paired designs of three sizes or more.
    """
    design = comparison.design
    table = []
    for reading, rows in comparison.final_readings.items():
        rows = rows[rows["level"] < design.reference] if design.paired else rows.iloc[:0]
        for quantity, (facet, arm) in product(TRENDS, rows.groupby("facet")):
            wide = by_seed(arm, quantity, reading)
            if wide.shape[1] < 3:
                continue
            levels, generator = wide.columns.to_numpy(dtype=float), np.random.default_rng(SEED)
            slope = trend(wide.to_numpy(), levels, generator)
            order = page(wide.to_numpy(), generator)
            place = {"reading": reading, "quantity": quantity, "facet": facet}
            table.append({**place, **slope._asdict(), "p_page": order.p_value})
    return pd.DataFrame(table, columns=["reading", "quantity", "facet", *Trend._fields, "p_page"])


def _ordered(parts: list[pd.DataFrame], extra: list[str]) -> pd.DataFrame:
    front = ["reading", *extra]
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
