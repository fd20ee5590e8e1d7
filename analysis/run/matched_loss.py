"""Test loss at matched train loss: where all sizes have fitted the training examples equally."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.design import Design, facet_of
from caviar.analysis.run.groups import numbered
from caviar.analysis.run.read import Run

Array = NDArray[Any]

NEAR = 2.0
"""The largest ratio of two neighbouring evaluations' train losses between which a test loss is
interpolated; with a larger one there is no evaluation near."""

CURVE = ["trial_id", "seed"]


def matched_test_loss(run: Run, design: Design) -> pd.DataFrame:
    """Test loss when a network's train loss first reached what every size reaches, in nats.

    Both under population statistics. Within a facet, draw and seed the target is the largest train
    loss that any size has at its end, so each size reaches it: Dziugaite et al. (2020) stop every
    network at one cross-entropy to compare how they generalise; here it is read off the curve of
    evaluations (`at_target`). A network that reaches the target before its end is read before its
    learning rate has come down. Columns facet, level, draw, trial_id, seed, matched_test_loss; NaN
    where no evaluation is near, where a network diverged, and where sizes are not paired.

    `run` holds the evaluations of every measured step.
    """
    curves = _curves(run, design)
    train, test = (curves[split].to_numpy() for split in ("train", "test"))
    _, starts = np.unique(curves["curve"], return_index=True)
    stops = np.append(starts[1:], len(curves))[: len(starts)]
    end = train[stops - 1]
    end[~np.isfinite(end)] = np.nan
    matched = curves.iloc[stops - 1][["facet", "level", "draw", *CURVE]].reset_index(drop=True)
    compared, groups = numbered(matched, ["facet", "draw", "seed"])
    largest = np.full(len(groups), np.nan)
    np.fmax.at(largest, compared, end)
    targets = np.where(np.isnan(end) | (not design.paired), np.nan, largest[compared])
    values = [
        at_target(train[start:stop], test[start:stop], target)
        for start, stop, target in zip(starts, stops, targets, strict=True)
    ]
    return matched.assign(matched_test_loss=np.array(values, float))


def at_target(train: Array, test: Array, target: float) -> float:
    """Test loss where train loss first falls to `target`; both losses by step, `(evaluations,)`.

    Linear in log train loss between the two evaluations around it, if their train losses differ by
    at most a factor of `NEAR`. NaN where they differ by more, where the first evaluation lies below
    the target already, or where the target is never reached.
    """
    reached = np.flatnonzero(train <= target)
    if not len(reached):
        return float("nan")
    after = int(reached[0])
    if train[after] == target:
        return float(test[after])
    before = after - 1
    if before < 0 or not train[after] > 0 or not train[before] <= NEAR * train[after]:
        return float("nan")
    share = np.log(train[before] / target) / np.log(train[before] / train[after])
    return float((1 - share) * test[before] + share * test[after])


def _curves(run: Run, design: Design) -> pd.DataFrame:
    """One row per measured step of every curve, in order: train and test loss beside its keys.

    `curve` numbers the curves.
    """
    rows = run.evaluations
    rows = rows[(rows["statistics"] == "population") & rows["split"].isin(["train", "test"])]
    rows = rows.assign(facet=facet_of(rows, design), level=rows[design.axis].astype(float))
    of_row, points = numbered(rows, [*CURVE, "step", "facet", "level", "draw"])
    for split in ("train", "test"):
        here = (rows["split"] == split).to_numpy()
        column = np.full(len(points), np.nan)
        column[of_row[here]] = rows["loss"].to_numpy()[here]
        points[split] = column
    points["curve"], _ = numbered(points, CURVE)
    return points
