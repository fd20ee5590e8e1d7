"""Question 1: how the size of the normalised mini-batch regularises."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from caviar.analysis.run.design import Design
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.best_level import BestRange, best_range
from caviar.analysis.statistics.trends import Trend, page, trend
from caviar.analysis.statistics.u_shape import u_shape
from caviar.analysis.tables.comparisons import (
    KEYS,
    PAIRED_BY,
    SEED,
    by_seed,
    contrasts,
    final,
    level_means,
    readings,
)
from caviar.analysis.tables.families import family

QUANTITIES = {
    "train_loss": "train loss, population statistics",
    "test_loss": "test loss, population statistics",
    "test_accuracy": "test accuracy, population statistics",
}


def final_values(run: Run, design: Design) -> pd.DataFrame:
    """A row a seed of a trial: losses and accuracy at the last step, and the noise penalty.

    `noise_penalty` is train-mode loss less population loss at the same weights, both on the
    training split (SCIENCE: R_in); NaN for networks without batch statistics.
    """
    rows = final(run.evaluations, design)
    rows = rows[rows["statistics"].isin(["population", "batch"])]
    # The trained size only: a `batch` row at another size is another question.
    rows = rows[rows["probe_batch_size"] == rows["norm_batch_size"]]
    wide = rows.set_index([*KEYS, "statistics", "split"])[["loss", "accuracy"]]
    wide = wide.unstack(["statistics", "split"])
    nan = pd.Series(np.nan, index=wide.index)

    def column(*key: str) -> pd.Series:
        return wide[key] if key in wide.columns else nan

    values = pd.DataFrame(
        {
            "train_loss": column("loss", "population", "train"),
            "validation_loss": column("loss", "population", "validation"),
            "test_loss": column("loss", "population", "test"),
            "test_accuracy": column("accuracy", "population", "test"),
            "train_mode_loss": column("loss", "batch", "train"),
        }
    )
    diverged = ~np.isfinite(values["test_loss"])
    values["test_accuracy"] = values["test_accuracy"].where(~diverged)
    values["noise_penalty"] = values["train_mode_loss"] - values["train_loss"]
    return values.reset_index()


def noise_penalty(run: Run, design: Design) -> pd.DataFrame:
    """Train-mode less population loss at the same weights, by reading, facet and level.

    Not for a norm batch of the whole training split, whose statistics are the population's.
    """
    values = final_values(run, design)
    train = run.evaluations.loc[run.evaluations["split"] == "train", "examples"]
    own = (run.trials["norm"] == "batch") & (run.trials["norm_batch_size"] < train.max())
    values = values[values["trial_id"].isin(run.trials.loc[own, "trial_id"])]
    parts = [
        level_means(rows, design, "noise_penalty", [], reading).assign(reading=reading)
        for reading, rows in readings(run, design, values).items()
    ]
    return _ordered(parts, [])


def effect_of_size(run: Run, design: Design) -> pd.DataFrame:
    """Each quantity at every level less that at the largest, by reading and facet.

    With the interval of each difference, and what `effects.family` says of all of them together.
    """
    values = final_values(run, design)
    parts = []
    for reading, rows in readings(run, design, values).items():
        for quantity in QUANTITIES:
            found = contrasts(rows, design, quantity, reading)
            together = family(rows, design, quantity, reading)
            found = found.merge(together, on=["facet", "level"], how="left")
            parts.append(found.assign(reading=reading, quantity=quantity))
    return _ordered(parts, ["quantity"])


def losses(run: Run, design: Design) -> pd.DataFrame:
    """Train and test loss and accuracy themselves at every level, by reading and facet."""
    values = final_values(run, design)
    parts = [
        level_means(rows, design, quantity, [], reading).assign(reading=reading, quantity=quantity)
        for reading, rows in readings(run, design, values).items()
        for quantity in QUANTITIES
    ]
    return _ordered(parts, ["quantity"])


def best_size(run: Run, design: Design) -> pd.DataFrame:
    """The level with the lowest test loss, by reading and facet, with a confidence range.

    `p_u_shape` tests that test loss falls before it and rises after it.

    Only where arms are paired by seed: without pairing the best of many draws mostly tells
    which size had the luckiest one. A size at which a measurement is missing or not finite
    cannot be the best; `excluded` counts such sizes.
    """
    table = []
    for reading, rows in readings(run, design, final_values(run, design)).items():
        for facet, arm in rows.groupby("facet") if design.paired else ():
            counts = arm["test_loss"].map(np.isfinite).groupby(arm["level"]).sum()
            # The same seeds and draws at every size; under the best draw, the same seeds.
            whole = counts == len(arm[PAIRED_BY[reading]].drop_duplicates())
            kept = arm[arm["level"].isin(whole[whole].index)]
            if kept["level"].nunique() < 2:
                continue
            wide = kept.pivot_table(index="seed", columns="level", values="test_loss")
            generator = np.random.default_rng(SEED)
            levels = wide.columns.to_numpy(dtype=float)
            found = best_range(wide.to_numpy(), levels, generator)
            turn = u_shape(wide.to_numpy(), levels, generator)
            table.append(
                {
                    "reading": reading,
                    "facet": facet,
                    **found._asdict(),
                    "p_u_shape": turn.p_value,
                    "excluded": int((~whole).sum()),
                }
            )
    columns = ["reading", "facet", *BestRange._fields, "p_u_shape", "excluded"]
    return pd.DataFrame(table, columns=columns)


def trends(run: Run, design: Design) -> pd.DataFrame:
    """Slope of each quantity on log2 of the size, and Page's test of its order.

    Per seed over all sizes below the reference, over draws that are whole (`arms.by_seed`); in
    units of the quantity a doubling. By reading, quantity and facet; only for paired designs of
    three sizes or more.
    """
    table = []
    for reading, rows in readings(run, design, final_values(run, design)).items():
        rows = rows[rows["level"] < design.reference] if design.paired else rows.iloc[:0]
        for quantity, (facet, arm) in product(
            (*QUANTITIES, "noise_penalty"), rows.groupby("facet")
        ):
            wide = by_seed(arm, quantity, reading)
            if wide.shape[1] < 3:
                continue
            levels, generator = wide.columns.to_numpy(dtype=float), np.random.default_rng(SEED)
            found = trend(wide.to_numpy(), levels, generator)
            order = page(wide.to_numpy(), generator)
            place = {"reading": reading, "quantity": quantity, "facet": facet}
            table.append({**place, **found._asdict(), "p_page": order.p_value})
    return pd.DataFrame(table, columns=["reading", "quantity", "facet", *Trend._fields, "p_page"])


def verdicts(effects: pd.DataFrame) -> pd.DataFrame:
    """Where "regularises" may be said: train loss surely rises and test loss surely falls.

    Both against the largest size, by the 95 % bands that hold for all sizes together; a row a
    reading, facet, level. `known` says whether both have a band at all.
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
