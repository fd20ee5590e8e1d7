"""How strong an explicit regulariser on population statistics is as batch norm's noise at m."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.arms import REGULARISERS
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.draws import EVERY_DRAW, SHARED_DRAW, split_seeds
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import Interval, mean_interval
from caviar.analysis.statistics.ranges import ANY, Range, clipped, range_of
from caviar.analysis.tables.control_arms import POPULATION
from caviar.analysis.tables.estimates import SEED, by_seed
from caviar.analysis.theory import batch_statistics as theory

Array = NDArray[Any]

COLUMNS = [
    *("reading", "regulariser", "level", "quantity"),
    *Interval._fields,
    *("outside", "best", "largest", "lowest"),
]
"""The quantities are strengths: `same_train_loss` and `same_test_loss`, with which the regulariser
leaves the loss of batch norm at the size, and `predicted`, the dropout rate whose noise has the
variance of batch norm's; and test losses of batch norm less those of the regulariser, nats:
`difference`, where both have the same train loss, and `best_difference`, at the best strength."""


class Matched(NamedTuple):
    """By seed: the strengths that leave the train and the test loss of batch norm, and test loss
    of batch norm less that of the regulariser at the first of them."""

    same_train_loss: Array
    same_test_loss: Array
    difference: Array


def equivalent_strength(comparison: Comparison) -> pd.DataFrame:
    """Dropout, gamma decay and weight decay as strong as batch norm at every size, over seeds.

    A regulariser's arms differ from the arm `population` in its strength alone; that arm is
    strength 0, or whatever the study fixes. Each seed's own curves of train and test loss over
    the strengths lie on straight lines between neighbouring ones. They are read where they equal
    those of batch norm at m: train loss at the largest such strength (a little dropout can lower
    train loss), test loss at the smallest. `outside` counts seeds that no strength matches:
    they are left out, so the means are over the others. The first third of the seeds chooses the
    `best` strength and the size at which batch norm has its `lowest` test loss; the others are
    read, so that neither choice is made by what is told of it. `largest` says that the best
    strength is the largest tried. Draws that all these arms have are averaged; under the `shared
    draw`, all are read at the one that most sizes of batch norm choose. Empty without two
    strengths, and where the study crosses another field too.
    """
    every, design = comparison.across_arms, comparison.design
    paths = {name: _path(every.run, name) for name in REGULARISERS}
    paths = {name: path for name, path in paths.items() if len(path) > 1}
    if not paths or not design.paired or design.facets:
        return pd.DataFrame(columns=COLUMNS)
    values = every.final_values.merge(every.run.trials[["trial_id", "arm"]], on="trial_id")
    kept = {EVERY_DRAW: values}
    if comparison.shared_draw is not None:
        kept[SHARED_DRAW] = values[values["draw"] == comparison.shared_draw]
    seeds = _split(values)
    table = [
        {"reading": name, "regulariser": regulariser, **row, "lowest": row["level"] == lowest}
        for name, rows in kept.items()
        for lowest in [_lowest(comparison, rows, seeds.choosing)]
        for regulariser, path in paths.items()
        for row in _of_path(comparison, rows, path, seeds)
    ]
    return pd.DataFrame(table, columns=COLUMNS)


class Seeds(NamedTuple):
    """Those that choose a strength and a size, and those at which both are read."""

    choosing: list[int]
    reading: list[int]


def _split(values: pd.DataFrame) -> Seeds:
    return Seeds(*map(list, split_seeds(sorted(values["seed"].unique().tolist()))))


def _lowest(comparison: Comparison, values: pd.DataFrame, choosing: list[int]) -> float:
    """The size at which batch norm has its lowest test loss at the seeds that choose."""
    normed = values[(values["arm"] == comparison.arms[0]) & values["seed"].isin(choosing)]
    losses = by_seed(normed, "test_loss", EVERY_DRAW)
    return float(losses.mean().fillna(np.inf).idxmin()) if losses.size else float("nan")


OWN = -1.0
"""The column of batch norm itself beside those of strengths."""


def _of_path(
    comparison: Comparison, values: pd.DataFrame, path: pd.Series, seeds: Seeds
) -> Iterator[dict[str, Any]]:
    """The rows of one regulariser."""
    explicit = values[values["arm"].isin(path.index)]
    # `by_seed` has one column per level: here the strengths, and batch norm before them.
    explicit = explicit.assign(level=explicit["arm"].map(path))
    strengths = range_of(str(path.name))
    for level, normed in values[values["arm"] == comparison.arms[0]].groupby("level"):
        rows = pd.concat([normed.assign(level=OWN), explicit], ignore_index=True)
        train, test = (by_seed(rows, of, EVERY_DRAW) for of in ("train_loss", "test_loss"))
        shared = train.columns.intersection(test.columns)
        if OWN not in shared or len(shared) < 3:
            continue
        train, test = train[shared], test[shared]
        read = train.reindex(seeds.reading), test.reindex(seeds.reading)
        matched, trained = _at_equal_losses(*read), ~np.isnan(read[0][OWN].to_numpy())
        yield _row(level, "same_train_loss", matched.same_train_loss, strengths, trained)
        yield _row(level, "same_test_loss", matched.same_test_loss, strengths, trained)
        if path.name == "dropout":
            predicted = _predicted(comparison, normed, seeds.reading)
            yield _row(level, "predicted", predicted, strengths)
        yield _row(level, "difference", matched.difference, ANY)
        others = test[shared.drop(OWN)]
        best = float(others.reindex(seeds.choosing).mean().fillna(np.inf).idxmin())
        gained = (test[OWN] - others[best]).reindex(seeds.reading).to_numpy()
        chosen = {"best": best, "largest": best == shared.max()}
        yield {**_row(level, "best_difference", gained, ANY), **chosen}


def _row(
    level: object,
    quantity: str,
    by_seed: Array,
    limits: Range,
    trained: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    interval = clipped(mean_interval(by_seed, np.random.default_rng(SEED)), limits)
    outside = 0 if trained is None else int((np.isnan(by_seed) & trained).sum())
    place = {"level": level, "quantity": quantity}
    return {**place, **interval._asdict(), "outside": outside, "best": np.nan, "largest": False}


def _at_equal_losses(train: pd.DataFrame, test: pd.DataFrame) -> Matched:
    strengths = train.columns.drop(OWN)
    knots, path = np.arange(len(strengths)), strengths.to_numpy()
    by_seed = []
    for of_train, of_test, train_target, test_target in zip(
        *(frame[strengths].to_numpy() for frame in (train, test)),
        *(frame[OWN].to_numpy() for frame in (train, test)),
        strict=True,
    ):
        fits = match(of_train, train_target, max)
        scores = match(of_test, test_target, min)
        at_fit = np.interp([fits, scores], knots, path)
        by_seed.append((*at_fit, test_target - np.interp(fits, knots, of_test)))
    return Matched(*np.reshape(by_seed, (-1, 3)).T)


def match(curve: Array, target: float, which: Callable[[list[float]], float]) -> float:
    """Where a curve on straight lines between its points, `(points,)`, equals `target`.

    A position between points, the one that `which` takes of all; NaN where there is none. Of a
    stretch on which it equals `target` throughout, both ends count.
    """
    positions = []
    for i, (left, right) in enumerate(itertools.pairwise(curve)):
        if left == right == target:
            positions += [float(i), i + 1.0]
        elif min(left, right) <= target <= max(left, right):
            positions.append(i + float((target - left) / (right - left)))
    return which(positions) if positions else float("nan")


def _path(run: Run, regulariser: str) -> pd.Series:
    """Strength by arm, rising from that of the arm `population`; empty without it."""
    if "arm" not in run.trials or POPULATION not in set(run.trials["arm"]):
        return pd.Series(dtype=float)
    trials = run.trials.drop_duplicates("arm").set_index("arm")
    base = trials.loc[POPULATION]
    fixed = ["norm", "norm_batch_size", *(name for name in REGULARISERS if name != regulariser)]
    same = trials[fixed].eq(base[fixed])
    stronger = trials[regulariser] > base[regulariser]
    path = trials.loc[same.all(axis=1) & (stronger | (trials.index == POPULATION)), regulariser]
    return path.sort_values()


def _predicted(comparison: Comparison, normed: pd.DataFrame, seeds: list[int]) -> Array:
    """The rate by seed, from the noise at m given the final kurtosis in the networks `normed`."""
    rows = comparison.run.noise
    if rows.empty:
        return np.array([])
    rows = final(rows, comparison.design)
    rows = rows[rows["trial_id"].isin(normed["trial_id"]) & rows["seed"].isin(seeds)]
    means = rows.groupby("seed")[["excess_kurtosis", "norm_batch_size"]].mean()
    m, kurtosis = means["norm_batch_size"].to_numpy(), means["excess_kurtosis"].to_numpy()
    noise = theory.noise_of_x_hat(m, comparison.training_examples, kurtosis)
    return np.asarray(theory.equivalent_dropout(noise))
