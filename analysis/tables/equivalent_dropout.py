"""The dropout rate on population statistics that is as strong as batch norm's noise at m."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import Interval, mean_interval
from caviar.analysis.statistics.ranges import clipped, range_of
from caviar.analysis.tables.control_arms import POPULATION
from caviar.analysis.tables.estimates import SEED, by_seed
from caviar.analysis.theory import batch_statistics as theory

Array = NDArray[Any]

COLUMNS = ["level", "quantity", *Interval._fields, "outside"]
"""The quantities are `measured_rate`, the rate that leaves the same train loss under population
statistics; `predicted_rate`, the rate whose noise has the same variance as batch norm's; and
`test_difference`, test loss of batch norm less that of dropout at the measured rate, nats."""


def equivalent_dropout(comparison: Comparison) -> pd.DataFrame:
    """Measured and predicted equivalent dropout of the first arm at every size, over seeds.

    Dropout arms have a `dropout` above 0 on the statistics of the arm `population`, which is
    rate 0. Each seed's own curve of train loss against rate is read where it equals that of
    batch norm at m, on straight lines between neighbouring rates, at the largest rate where it
    does (a little dropout can lower train loss); test loss is read at that rate. Draws that all
    these arms have are averaged first. `outside` counts seeds whose train loss the curve does
    not reach: they are left out, so the means are over the others. Empty without two rates, and
    where the study crosses another field too.
    """
    every, design = comparison.across_arms, comparison.design
    rates = _rates(every.run)
    if len(rates) < 2 or not design.paired or design.facets:
        return pd.DataFrame(columns=COLUMNS)
    values = every.final_values.merge(every.run.trials[["trial_id", "arm"]], on="trial_id")
    dropped = values[values["arm"].isin(rates.index)]
    # `by_seed` has one column per level: here the rates, and batch norm before them.
    dropped = dropped.assign(level=dropped["arm"].map(rates))
    table: list[dict[str, Any]] = []
    for level, normed in values[values["arm"] == comparison.arms[0]].groupby("level"):
        rows = pd.concat([normed.assign(level=OWN), dropped], ignore_index=True)
        train, test = (by_seed(rows, of, EVERY_DRAW) for of in ("train_loss", "test_loss"))
        shared = train.columns.intersection(test.columns)
        if OWN not in shared or len(shared) < 3:
            continue
        quantities, outside = _at_equal_train_loss(train[shared], test[shared])
        quantities["predicted_rate"] = _predicted(comparison, float(str(level)))
        for quantity, column in quantities.items():
            interval = mean_interval(column, np.random.default_rng(SEED))
            interval = clipped(interval, range_of(quantity))
            place = {"level": level, "quantity": quantity}
            table.append({**place, **interval._asdict(), "outside": outside})
    return pd.DataFrame(table, columns=COLUMNS)


OWN = -1.0
"""The column of batch norm itself beside those of dropout rates."""


def _at_equal_train_loss(train: pd.DataFrame, test: pd.DataFrame) -> tuple[dict[str, Array], int]:
    """Rates and test differences by seed, and how many seeds the curve does not reach."""
    rates = train.columns.drop(OWN)
    curves = (frame[rates].to_numpy() for frame in (train, test))
    targets = train[OWN].to_numpy()
    matched = np.array(
        [match(rates.to_numpy(), *each) for each in zip(*curves, targets, strict=True)]
    ).reshape(-1, 2)
    outside = int((np.isnan(matched[:, 0]) & ~np.isnan(targets)).sum())
    quantities = {
        "measured_rate": matched[:, 0],
        "test_difference": test[OWN].to_numpy() - matched[:, 1],
    }
    return quantities, outside


def match(rates: Array, train: Array, test: Array, target: float) -> tuple[float, float]:
    """The largest rate at which the train curve equals `target`, and the test loss there.

    Curves are `(rates,)`; NaN where the curve does not reach it.
    """
    for i in reversed(range(len(rates) - 1)):
        low, high = sorted((train[i], train[i + 1]))
        if low <= target <= high:
            share = 1.0 if high == low else (target - train[i]) / (train[i + 1] - train[i])
            return _between(rates, i, share), _between(test, i, share)
    return float("nan"), float("nan")


def _rates(run: Run) -> pd.Series:
    """Dropout rate by arm, rising from that of the arm `population`; empty without it."""
    if "arm" not in run.trials or POPULATION not in set(run.trials["arm"]):
        return pd.Series(dtype=float)
    trials = run.trials.drop_duplicates("arm").set_index("arm")
    base = trials.loc[POPULATION]
    same = (trials["norm"] == base["norm"]) & (trials["norm_batch_size"] == base["norm_batch_size"])
    same &= trials["gamma_decay"] == base["gamma_decay"]
    same &= (trials["dropout"] > 0) | (trials.index == POPULATION)
    return trials.loc[same, "dropout"].sort_values()


def _predicted(comparison: Comparison, level: float) -> Array:
    """The rate by seed, from the noise at m given the final kurtosis in the first arm's trials."""
    rows = comparison.run.noise
    if rows.empty:
        return np.array([])
    rows = final(rows, comparison.design)
    rows = rows[rows["level"] == level]
    means = rows.groupby("seed")[["excess_kurtosis", "norm_batch_size"]].mean()
    m, kurtosis = means["norm_batch_size"].to_numpy(), means["excess_kurtosis"].to_numpy()
    noise = theory.noise_of_x_hat(m, comparison.training_examples, kurtosis)
    return np.asarray(theory.equivalent_dropout(noise))


def _between(curve: Array, i: int, share: float) -> float:
    return float(curve[i] + share * (curve[i + 1] - curve[i]))
