"""No end of an interval lies where its quantity cannot be, and none is infinite."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.run.design import Design
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.statistics.ranges import clipped, range_of, range_of_difference
from caviar.analysis.tables.estimates import contrasts, level_means
from caviar.analysis.tables.families import family

SEEDS = 5
DESIGN = Design("norm_batch_size", (8.0, 64.0), (), "seed", "m")


def test_ranges() -> None:
    assert range_of("test_accuracy") == (0, 1) and range_of_difference("test_accuracy") == (-1, 1)
    assert range_of("test_loss") == (0, math.inf)
    assert range_of_difference("test_loss") == (-math.inf, math.inf)
    assert clipped(Interval(0.9, 0.7, 1.2, 5), (0, 1)) == Interval(0.9, 0.7, 1.0, 5)
    assert math.isnan(clipped(Interval(0.9, math.nan, math.nan, 3), (0, 1)).low)


def test_a_mean_share_above_one_is_one() -> None:
    shares = pd.DataFrame({"facet": "", "level": 8.0, "seed": range(SEEDS), "draw": 0})
    shares["partition_share"] = [0.9, 1.2, 1.3, 1.1, 1.0]
    row = level_means(shares, DESIGN, "partition_share", []).iloc[0]
    assert row["mean"] == row["high"] == 1 and 0 < row["low"] < 1


@pytest.mark.parametrize("value", ["test_loss", "test_accuracy"])
def test_five_seeds_on_a_lattice_end_where_the_quantity_does(value: str) -> None:
    """Three values in five seeds: resamples without spread, and Student's interval beyond 1."""
    low = np.r_[np.zeros(SEEDS - 1), 1.0]
    rows = pd.concat(
        pd.DataFrame({"facet": "", "level": level, "seed": range(SEEDS), "draw": 0, value: values})
        for level, values in ((8, 1 - low), (64, low))
    )
    means, differences = level_means(rows, DESIGN, value, []), contrasts(rows, DESIGN, value)
    together = family(rows, DESIGN, value, "every draw")
    ends = [
        means[["low", "high"]],
        differences[["low", "high"]],
        together[["band_low", "band_high"]],
    ]
    assert all(np.isfinite(frame.to_numpy(float)).all() for frame in ends)
    assert (means["low"] >= 0).all() and means["low"].min() == 0
    if value == "test_accuracy":
        assert means["high"].max() == 1 and differences["high"].tolist() == [1]
        assert together["band_high"].tolist() == [1]


def test_no_table_has_an_infinite_end(findings: Results) -> None:
    for name in findings:
        table = findings[name]
        ends = [
            c
            for c in table
            if c.endswith("low") or c.endswith("high") or c.startswith(("low_", "high_"))
        ]
        numbers = table[ends].select_dtypes("number").to_numpy(float)
        assert not np.isinf(numbers).any(), name
