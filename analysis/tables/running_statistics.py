"""Question 2: how accurate the running statistics are that test time uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import split_seeds
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.groups import numbered
from caviar.analysis.run.read import Run
from caviar.analysis.run.stored.changes import of_trained_size
from caviar.analysis.statistics.multiplicity import simultaneous_bands
from caviar.analysis.tables.estimates import SEED, each_level_means, level_means

ERRORS = {
    "mean_error": "error of the running mean, in population deviations",
    "variance_error": "error of the running variance, log ratio",
    "variance_bias": "bias of the running variance, log ratio",
}
RULE = ["rule", "tracker_decay"]


def statistics_error(comparison: Comparison) -> pd.DataFrame:
    """Errors of every tracker in every layer at the last step, by reading, facet and level."""
    run, design = comparison.run, comparison.design
    if run.statistics.empty:
        return pd.DataFrame()
    rows = own_decay_as_one(run, final(run.statistics, design))
    parts = [
        means.assign(reading=reading, quantity=quantity)
        for reading, kept in comparison.readings(rows).items()
        for quantity, means in each_level_means(
            kept, design, ERRORS, ["layer", *RULE], reading
        ).items()
    ]
    return ordered(parts, ["reading", "quantity"])


def running_damage(comparison: Comparison) -> pd.DataFrame:
    """Test loss under every tracker less that under population statistics, same weights."""
    running = damage_rows(comparison)
    if running.empty:
        return pd.DataFrame()
    parts = [
        level_means(kept, comparison.design, "damage", RULE, reading).assign(reading=reading)
        for reading, kept in comparison.readings(running).items()
    ]
    return ordered(parts, ["reading"])


def damage_rows(comparison: Comparison) -> pd.DataFrame:
    """`damage` of every network and tracker at the last step, one row each."""
    run, design = comparison.run, comparison.design
    rows = own_decay_as_one(run, final(run.evaluations, design))
    rows = rows[rows["split"] == "test"]
    running = rows[rows["statistics"] == "running"]
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(running[["trial_id", "seed"]])
    return running.assign(damage=running["loss"] - exact.reindex(pair).to_numpy())


def damage_bands(comparison: Comparison) -> pd.DataFrame:
    """The ends of bands that hold for the damage of all trackers at all sizes together.

    At the reading that is told, one row per facet, tracker and level at which every seed is finite;
    so the largest of them has paid for being picked. Empty where seeds are not paired.
    """
    rows = comparison.told_rows(damage_rows(comparison))
    if rows.empty or not comparison.design.paired:
        return pd.DataFrame()
    number, table = numbered(rows, ["facet", *RULE, "level"])
    seed, seeds = pd.factorize(rows["seed"])
    place, shape = number * len(seeds) + seed, (len(table), len(seeds))
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    sums = np.bincount(place, rows["damage"].to_numpy(float), counts.size).reshape(shape)
    whole = (np.isfinite(sums) & (counts > 0)).all(axis=1)
    if not whole.any():
        return pd.DataFrame()
    means = (sums[whole] / counts[whole]).T
    bands = simultaneous_bands(means, np.random.default_rng(SEED))
    return table[whole].assign(band_low=bands.low, band_high=bands.high)


REPAIRS = {
    "batch": "the statistics of the evaluated batch",
    "precise": "the mean over an epoch of batch statistics at the final weights",
    "evalnorm": "expected batch statistics given the evaluated example",
}


def repairs(comparison: Comparison) -> pd.DataFrame:
    """Test loss under other statistics than running averages, less that under the population's.

    By reading, facet, level and `statistics`: the evaluated batch's own, precise, EvalNorm.
    """
    design = comparison.design
    rows = final(comparison.run.evaluations, design)
    rows = rows[rows["split"] == "test"]
    trained = of_trained_size(rows, comparison.run.trials)
    others = rows[rows["statistics"].isin(REPAIRS) & trained]
    if others.empty:
        return pd.DataFrame()
    exact = rows[rows["statistics"] == "population"].set_index(["trial_id", "seed"])["loss"]
    pair = pd.MultiIndex.from_frame(others[["trial_id", "seed"]])
    others = others.assign(damage=others["loss"] - exact.reindex(pair).to_numpy())
    parts = [
        level_means(kept, design, "damage", ["statistics"], reading).assign(reading=reading)
        for reading, kept in comparison.readings(others).items()
    ]
    return ordered(parts, ["reading"])


def own_decay_as_one(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    """Where the decay was drawn, the trials' own decays are one tracker, not one per trial.

    Its `rule` says so and its `tracker_decay` is empty; decays that all trials share stay.
    """
    if "decay" not in run.study["study"]["nuisance"]:
        return rows
    drawn = rows["tracker_decay"] == rows["decay"]
    return rows.assign(
        rule=rows["rule"].where(~drawn, rows["rule"] + ", drawn decay"),
        tracker_decay=rows["tracker_decay"].where(~drawn),
    )


def ordered(parts: list[pd.DataFrame], front: list[str]) -> pd.DataFrame:
    """The parts as one frame, the columns of `front` first."""
    table = pd.concat(parts, ignore_index=True)
    return table[[*front, *(c for c in table.columns if c not in front)]]


READER = ["statistics", "rule", "tracker_decay"]
AVAILABLE = ("population", "precise", "evalnorm", "running")
"""Statistics that a deployed network can have; those of the test batch need others beside it."""


def readers(comparison: Comparison) -> pd.DataFrame:
    """Test loss under every kind of statistics less that under the best available kind.

    One row per reading, facet, level and `reader`, which `statistics` and, for running averages,
    `rule` and `tracker_decay` tell apart. `best` is the available reader with the lowest
    validation loss over the seeds that choose (`split_seeds`); costs are those at the other seeds,
    where the best may turn out worse than another.
    """
    run, design = comparison.run, comparison.design
    rows = own_decay_as_one(run, final(run.evaluations, design))
    rows = rows[of_trained_size(rows, run.trials)]
    if not (rows["statistics"] == "running").any():
        return pd.DataFrame()
    rows = rows.assign(reader=reader_of(rows))
    seeds = sorted(rows["seed"].unique())
    choosing, read = split_seeds(seeds)
    planned = {place: n * len(read) // len(seeds) for place, n in design.planned.items()}
    parts = []
    for reading, test in comparison.readings(rows[rows["split"] == "test"]).items():
        draws = test[["facet", "level", "draw"]].drop_duplicates()
        best = _best(rows.merge(draws)[lambda r: r["seed"].isin(choosing)])
        costs = _costs(test[test["seed"].isin(read)], best)
        costs = costs.assign(rule=costs["rule"].fillna(""))
        by = ["reader", *READER, "best"]
        table = level_means(costs, replace(design, planned=planned), "cost", by, reading)
        parts.append(table.assign(reading=reading))
    return ordered(parts, ["reading", "facet", "level", *by])


def reader_of(rows: pd.DataFrame) -> pd.Series:
    """`population`, or `biased, decay 0.9`."""
    decay = rows["tracker_decay"].map(lambda d: "" if pd.isna(d) else f", decay {d:g}")
    return (rows["rule"] + decay).where(rows["statistics"] == "running", rows["statistics"])


def _best(rows: pd.DataFrame) -> pd.Series:
    """The available reader with the lowest validation loss, by facet and level."""
    kept = rows[(rows["split"] == "validation") & rows["statistics"].isin(AVAILABLE)]
    finite = kept["loss"].where(np.isfinite(kept["loss"]), np.inf)
    means = finite.groupby([kept["facet"], kept["level"], kept["reader"]]).mean()
    return means.unstack("reader").idxmin(axis=1).rename("best")


def _costs(rows: pd.DataFrame, best: pd.Series) -> pd.DataFrame:
    """The rows with the loss less that of the best reader, in the same network."""
    rows = rows.merge(best, left_on=["facet", "level"], right_index=True)
    network = ["trial_id", "seed"]
    of_best = rows[rows["reader"] == rows["best"]].set_index(network)["loss"]
    pair = pd.MultiIndex.from_frame(rows[network])
    return rows.assign(cost=rows["loss"] - of_best.reindex(pair).to_numpy())


def biased_less_unbiased(comparison: Comparison) -> pd.DataFrame:
    """Test loss with the biased variance in the running average less that with the unbiased one.

    At the same weights and the same `tracker_decay`, by reading, facet and level; empty where the
    run did not keep both.
    """
    rows = own_decay_as_one(comparison.run, final(comparison.run.evaluations, comparison.design))
    rows = rows[(rows["split"] == "test") & (rows["statistics"] == "running")]
    # Of averages whose decay was drawn, the rule says so.
    estimator = rows["rule"].str.removesuffix(", drawn decay")
    keys = ["trial_id", "seed", "tracker_decay"]
    biased, unbiased = (rows[estimator == name] for name in ("biased", "unbiased"))
    if biased.empty or unbiased.empty:
        return pd.DataFrame()
    pairs = biased.merge(unbiased[[*keys, "loss"]], on=keys, suffixes=("", "_unbiased"))
    pairs = pairs.assign(difference=pairs["loss"] - pairs["loss_unbiased"])
    parts = [
        level_means(kept, comparison.design, "difference", ["tracker_decay"], reading).assign(
            reading=reading
        )
        for reading, kept in comparison.readings(pairs).items()
    ]
    return ordered(parts, ["reading"])


def sorting(comparison: Comparison) -> pd.DataFrame:
    """Test loss and accuracy under the test batch's statistics: sorted by class less as they come.

    At the same weights, by reading, `quantity`, facet and level; empty where the run did not
    measure it.
    """
    rows = final(comparison.run.evaluations, comparison.design)
    rows = rows[(rows["split"] == "test") & (rows["statistics"] == "batch")]
    if "sorted_loss" not in rows or rows["sorted_loss"].isna().all():
        return pd.DataFrame()
    changes = {name: rows[f"sorted_{name}"] - rows[name] for name in ("loss", "accuracy")}
    rows = rows.assign(**{f"{name}_change": change for name, change in changes.items()})
    parts = [
        level_means(kept, comparison.design, f"{name}_change", [], reading).assign(
            reading=reading, quantity=f"test_{name}"
        )
        for reading, kept in comparison.readings(rows).items()
        for name in changes
    ]
    return ordered(parts, ["reading", "quantity"])
