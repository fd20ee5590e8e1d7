"""Values side by side: what is paired, and what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.run.paired import facets, mean_of_finite, paired

ROWS = pd.DataFrame(
    {
        "facet": "",
        "level": [64.0, 8.0, 8.0, 64.0, 8.0],
        "seed": [5, 5, 7, 7, 5],
        "draw": [0, 0, 1, 1, 1],
        "value": [1.0, 1.5, np.inf, 2.0, 4.0],
    }
)


def test_values_lie_by_level_seed_and_draw() -> None:
    at_level = paired(ROWS, "value", EVERY_DRAW)
    assert at_level.levels.tolist() == [8, 64] and at_level.seeds.tolist() == [5, 7]
    nan = np.nan
    expected = [[[1.5, 4.0], [nan, nan]], [[1.0, nan], [nan, 2.0]]]
    np.testing.assert_array_equal(at_level.values, expected)
    assert at_level.held.astype(int).tolist() == [[[1, 1], [0, 1]], [[1, 0], [0, 1]]]


def test_pairs_are_of_one_seed_and_draw() -> None:
    pairs = paired(ROWS, "value", EVERY_DRAW).less(64)
    np.testing.assert_array_equal(pairs.by_seed, [[0.5, np.nan], [0.0, 0.0]])
    assert pairs.held.astype(int).tolist() == [[[1, 1], [0, 1]], [[1, 0], [0, 1]]]


def test_one_row_per_seed_pairs_across_draws() -> None:
    rows = ROWS.iloc[[1, 2, 3]].assign(value=[1.5, 3.0, 2.0])
    assert paired(rows, "value", BEST_DRAW).less(64).values[0, 1].tolist() == [1.0]


def test_facets_come_in_order_with_their_rows() -> None:
    several = ROWS.assign(facet=["b", "a", "a", "b", "a"])
    assert [(name, rows["level"].tolist()) for name, rows in facets(several)] == [
        ("a", [8, 8, 8]),
        ("b", [64, 64]),
    ]
    ((name, alone),) = facets(ROWS)
    assert name == "" and alone is ROWS
    assert not list(facets(ROWS.iloc[:0]))


def test_means_are_of_what_is_known() -> None:
    values = np.array([[1.0, np.nan, 4.0], [np.nan] * 3])
    np.testing.assert_array_equal(mean_of_finite(values), [2.5, np.nan])
