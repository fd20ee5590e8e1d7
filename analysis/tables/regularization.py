"""Question 1: how the size of the normalised mini-batch regularises."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import EVERY_DRAW, PAIRED_BY
from caviar.analysis.statistics.best_level import BestRange, best_range
from caviar.analysis.statistics.trends import Trend, page, trend
from caviar.analysis.statistics.u_shape import u_shape
from caviar.analysis.tables.estimates import (
    SEED,
    by_seed,
    contrasts,
    contrasts_over_draws,
    level_means,
)
from caviar.analysis.tables.families import family

QUANTITIES = {
    "train_loss": "train loss, population statistics",
    "test_loss": "test loss, population statistics",
    "test_accuracy": "test accuracy, population statistics",
}


def noise_penalty(comparison: Comparison) -> pd.DataFrame:
    """Train-mode less population loss at the same weights, by reading, facet and level.

    A norm batch of the whole training split is left out: its statistics are the population's.
    """
    trials, values = comparison.run.trials, comparison.final_values
    noisy = trials["norm"] == "batch"
    noisy &= trials["norm_batch_size"] < comparison.training_examples
    values = values[values["trial_id"].isin(trials.loc[noisy, "trial_id"])]
    parts = [
        level_means(rows, comparison.design, "noise_penalty", [], reading).assign(reading=reading)
        for reading, rows in comparison.readings(values).items()
    ]
    return _ordered(parts, [])


def effect_of_size(comparison: Comparison) -> pd.DataFrame:
    """Each quantity at every level less that at the largest, by reading and facet.

    With the interval of each difference, the statements of `families.family` about all of them
    together, and under every draw the interval of `estimates.contrasts_over_draws`.
    """
    design = comparison.design
    parts = []
    for reading, rows in comparison.final_readings.items():
        for quantity in QUANTITIES:
            differences = contrasts(rows, design, quantity, reading)
            together = family(rows, design, quantity, reading)
            differences = differences.merge(together, on=["facet", "level"], how="left")
            if reading == EVERY_DRAW:
                over = contrasts_over_draws(rows, design, quantity)
                differences = differences.merge(over, on=["facet", "level"], how="left")
            parts.append(differences.assign(reading=reading, quantity=quantity))
    return _ordered(parts, ["quantity"])


def losses(comparison: Comparison) -> pd.DataFrame:
    """Train and test loss and accuracy themselves at every level, by reading and facet."""
    parts = [
        level_means(rows, comparison.design, quantity, [], reading).assign(
            reading=reading, quantity=quantity
        )
        for reading, rows in comparison.final_readings.items()
        for quantity in QUANTITIES
    ]
    return _ordered(parts, ["quantity"])


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
        for quantity, (facet, arm) in product(
            (*QUANTITIES, "noise_penalty"), rows.groupby("facet")
        ):
            wide = by_seed(arm, quantity, reading)
            if wide.shape[1] < 3:
                continue
            levels, generator = wide.columns.to_numpy(dtype=float), np.random.default_rng(SEED)
            slope = trend(wide.to_numpy(), levels, generator)
            order = page(wide.to_numpy(), generator)
            place = {"reading": reading, "quantity": quantity, "facet": facet}
            table.append({**place, **slope._asdict(), "p_page": order.p_value})
    return pd.DataFrame(table, columns=["reading", "quantity", "facet", *Trend._fields, "p_page"])


def verdicts(effects: pd.DataFrame) -> pd.DataFrame:
    """Where a size may be said to regularise: train loss rises and test loss falls significantly.

    Both against the largest size: their 95 % bands, which hold for all sizes together, exclude 0.
    One row per reading, facet and level; `known` says whether both have a band at all.
    """
    keys = ["reading", "facet", "level"]
    train, test = (
        effects[effects["quantity"] == quantity].set_index(keys)
        for quantity in ("train_loss", "test_loss")
    )
    test = test.reindex(train.index)
    rises, falls = train["band_low"] > 0, test["band_high"] < 0
    known = train["band_low"].notna() & test["band_low"].notna()
    return pd.DataFrame(
        {
            "train_rises": rises,
            "test_falls": falls,
            "regularises": rises & falls,
            "known": known,
        }
    ).reset_index()


def _ordered(parts: list[pd.DataFrame], extra: list[str]) -> pd.DataFrame:
    front = ["reading", *extra]
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]
