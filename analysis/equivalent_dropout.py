"""Which dropout rate on population statistics is as strong as batch norm's noise at m."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import theory
from analysis.arms import SEED
from analysis.design import Design
from analysis.inference import Interval, mean_interval
from analysis.load import Run
from analysis.mechanisms import POPULATION, arms_of
from analysis.regularization import final_values

Array = NDArray[Any]

COLUMNS = ["level", "quantity", *Interval._fields, "outside"]
"""Quantities. `measured_rate`: the rate that leaves the same train loss under population
statistics; `predicted_rate`: the rate whose noise has the variance of batch norm's;
`test_difference`: test loss of batch norm less that of dropout at the measured rate, nats."""


def equivalent_dropout(run: Run, design: Design) -> pd.DataFrame:
    """Measured and predicted equivalent dropout of the first arm at every size, over seeds.

    Dropout arms have a `dropout` above 0 on the statistics of the arm `population`, which is
    rate 0. Each seed's own curve of train loss against rate is read where it equals that of
    batch norm at m, on straight lines between neighbouring rates, at the largest rate where it
    does (a little dropout can lower train loss); test loss is read at that rate. Draws are
    averaged before. `outside` counts seeds whose train loss the curve does not reach: they are
    left out, so the means are of the others. Empty without two rates.
    """
    rates = _rates(run)
    if len(rates) < 2 or not design.paired:
        return pd.DataFrame(columns=COLUMNS)
    first = arms_of(run)[0]
    values = final_values(run, design).merge(run.trials[["trial_id", "arm"]], on="trial_id")
    train, test = (
        values.pivot_table(index="seed", columns=["arm", "level"], values=quantity, dropna=False)
        for quantity in ("train_loss", "test_loss")
    )
    curves = [_curve(frame, rates) for frame in (train, test)]
    table: list[dict[str, Any]] = []
    for level in sorted(values.loc[values["arm"] == first, "level"].unique()):
        own = train[first, level].to_numpy()
        matched = np.array(
            [
                match(rates.to_numpy(), on_train, on_test, target)
                for on_train, on_test, target in zip(*curves, own, strict=True)
            ]
        )
        found = {
            "measured_rate": matched[:, 0],
            "predicted_rate": _predicted(run, first, level),
            "test_difference": test[first, level].to_numpy() - matched[:, 1],
        }
        outside = int(np.isnan(matched[:, 0]).sum())
        for quantity, column in found.items():
            interval = mean_interval(column, np.random.default_rng(SEED))
            place = {"level": level, "quantity": quantity}
            table.append({**place, **interval._asdict(), "outside": outside})
    return pd.DataFrame(table, columns=COLUMNS)


def match(rates: Array, train: Array, test: Array, target: float) -> tuple[float, float]:
    """The largest rate at which the train curve equals `target`, and the test loss there.

    Curves are `(rates,)`; NaN where the curve does not reach it.
    """
    for i in reversed(range(len(rates) - 1)):
        low, high = sorted((train[i], train[i + 1]))
        if low <= target <= high:
            share = 0.0 if high == low else (target - train[i]) / (train[i + 1] - train[i])
            return _between(rates, i, share), _between(test, i, share)
    return float("nan"), float("nan")


def _rates(run: Run) -> pd.Series:
    """Dropout rate by arm, rising from that of the arm `population`; empty without it."""
    if "arm" not in run.trials or POPULATION not in set(run.trials["arm"]):
        return pd.Series(dtype=float)
    trials = run.trials.drop_duplicates("arm").set_index("arm")
    own = trials.loc[POPULATION]
    same = (trials["norm"] == own["norm"]) & (trials["norm_batch_size"] == own["norm_batch_size"])
    same &= trials["gamma_decay"] == own["gamma_decay"]
    same &= (trials["dropout"] > 0) | (trials.index == POPULATION)
    return trials.loc[same, "dropout"].sort_values()


def _curve(frame: pd.DataFrame, rates: pd.Series) -> Array:
    """A row a seed, a column a rate; an arm has one size."""
    columns = [frame[arm].dropna(axis=1, how="all").iloc[:, 0] for arm in rates.index]
    return np.stack([column.to_numpy() for column in columns], axis=1)


def _predicted(run: Run, arm: str, level: float) -> Array:
    """By seed, from the noise at m that the kurtosis measured in the first arm's networks gives."""
    trials = run.trials[(run.trials["arm"] == arm) & (run.trials["norm_batch_size"] == level)]
    rows = run.noise[run.noise["trial_id"].isin(trials["trial_id"])]
    kurtosis = rows.groupby("seed")["excess_kurtosis"].mean().to_numpy()
    train = run.evaluations.loc[run.evaluations["split"] == "train", "examples"]
    noise = theory.noise_of_x_hat(level, int(train.iloc[0]), kurtosis)
    return np.asarray(theory.equivalent_dropout(noise))


def _between(curve: Array, i: int, share: float) -> float:
    return float(curve[i] + share * (curve[i + 1] - curve[i]))
