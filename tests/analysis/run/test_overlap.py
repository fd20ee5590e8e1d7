"""How seeds share examples, and coverage over many data sets from one law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from caviar.analysis.run.overlap import Overlap, with_other_data
from caviar.analysis.statistics.intervals import Interval, mean_intervals

Array = NDArray[np.float64]
SHARED = Overlap(examples=200, train=120, test=50, disjoint=False, given_test=False)
DATA_SETS, SEEDS, FEATURES = 250, 8, 6


def test_the_ratio_is_that_of_what_a_quantity_is_read_on() -> None:
    assert SHARED.ratio("test_loss") == SHARED.ratio("test_accuracy") == 50 / 120
    assert SHARED.ratio("noise_penalty") == 50 / 120
    assert SHARED.ratio("train_loss") == SHARED.ratio("train_mode_loss") == 120 / 80
    assert SHARED._replace(disjoint=True).ratio("train_loss") == 0
    assert SHARED._replace(given_test=True).ratio("test_loss") == float("inf")
    assert SHARED._replace(given_test=True).ratio("train_loss") == 120 / 80
    assert SHARED._replace(examples=120).ratio("train_loss") == float("inf")


def test_each_end_moves_away_by_its_own_distance() -> None:
    """A ratio of 1/3 and nine seeds: twice as far."""
    table = pd.DataFrame({"mean": [1.0], "low": [0.5], "high": [2.0], "units": [9]})
    wider = with_other_data(table, SHARED._replace(test=40), "test_loss")
    assert wider.loc[0, ["other_low", "other_high"]].tolist() == [1 - 0.5 * 2, 1 + 1 * 2]
    given = with_other_data(table, SHARED._replace(given_test=True), "test_loss")
    assert given[["other_low", "other_high"]].isna().all(axis=None)


def losses(overlap: Overlap, ridge: float, data: Array) -> Array:
    """Test losses, `(data sets, seeds)`, of ridge regressions on `(data sets, seeds, N, d + 1)`."""
    train, test = data[..., : overlap.train, :], data[..., -overlap.test :, :]
    x, y = train[..., :-1], train[..., -1:]
    gram = x.swapaxes(-1, -2) @ x + ridge * np.eye(FEATURES)
    weights = np.linalg.solve(gram, x.swapaxes(-1, -2) @ y)
    return np.asarray(((test[..., :-1] @ weights - test[..., -1:]) ** 2).mean(axis=(-2, -1)))


def of_many_data_sets(overlap: Overlap) -> tuple[Array, Array]:
    """A level and a paired difference on many data sets, `(data sets, seeds)` each."""
    rng, n = np.random.default_rng(5), overlap.examples
    rows = n * SEEDS if overlap.disjoint else n
    x = rng.normal(size=(DATA_SETS, rows, FEATURES))
    y = x[..., :2].sum(axis=-1, keepdims=True) + rng.standard_t(8, (DATA_SETS, rows, 1))
    data = np.concatenate([x, y], axis=-1)
    if overlap.disjoint:
        split = data.reshape(DATA_SETS, SEEDS, n, FEATURES + 1)
    else:
        order = rng.random((DATA_SETS, SEEDS, n)).argsort(axis=-1)
        split = data[np.arange(DATA_SETS)[:, np.newaxis, np.newaxis], order]
    one, other = (losses(overlap, ridge, split) for ridge in (0.0, 30.0))
    return one, one - other


def coverage(values: Array, overlap: Overlap, ends: str) -> float:
    """How often the ends cover the mean over all data sets, in per cent."""
    table = pd.DataFrame(mean_intervals(values, 0), columns=list(Interval._fields))
    table = with_other_data(table, overlap, "test_loss").assign(**{"": 0})
    truth = values.mean()
    inside = (table[f"{ends}low"] <= truth) & (truth <= table[f"{ends}high"])
    return 100 * float(inside.mean())


def test_levels_need_the_wider_ends_where_seeds_share_examples() -> None:
    level, difference = of_many_data_sets(SHARED)
    assert coverage(level, SHARED, "") < 88
    assert 92 <= coverage(level, SHARED, "other_") <= 98.5
    assert 91 <= coverage(difference, SHARED, "") <= 98


@pytest.mark.parametrize("ends", ["", "other_"])
def test_disjoint_pools_cover_levels_and_differences(ends: str) -> None:
    pools: Any = SHARED._replace(disjoint=True)
    for values in of_many_data_sets(pools):
        assert 92 <= coverage(values, pools, ends) <= 98
