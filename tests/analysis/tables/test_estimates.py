"""Means by level on runs with known truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.run.final_rows import final
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.estimates import level_means
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


def test_means_by_tracker_are_those_of_its_rows_alone(tmp_path: Path) -> None:
    """Two draws, rows in any order, trackers without a decay, values that are missing."""
    levels = {"norm_batch_size": [8, 64], "dropout": [0.0, 0.1]}
    run = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels)
    design = compared(run).design
    rows = final(run.statistics, design).sample(frac=1, random_state=3)
    rows["value"] = np.random.default_rng(4).standard_normal(len(rows))
    nowhere = (rows["rule"] == "unbiased") & (rows["level"] == 8) & (rows["dropout"] == 0.1)
    rows.loc[nowhere | (rows["seed"] == 3) & (rows["draw"] == 1), "value"] = np.inf
    table = level_means(rows, design, "value", ["rule", "tracker_decay"])
    assert len(table) == 2 * 2 * 2 and table["tracker_decay"].isna().sum() == 4
    for row in table.to_dict("records"):
        own = rows[(rows["facet"] == row["facet"]) & (rows["level"] == row["level"])]
        own = own[own["rule"] == row["rule"]]
        finite = own[np.isfinite(own["value"])]
        units = [seed["value"].mean() for _, seed in finite.groupby("seed")]
        expected = mean_interval(np.array(units), np.random.default_rng(0))
        assert [row[name] for name in expected._fields] == pytest.approx(expected, nan_ok=True)
        assert row["left_out"] == len(own) - len(finite)
    assert (table["units"] == 0).sum() == 1 and table["left_out"].max() == 12


def test_means_of_no_rows_have_their_columns(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed({"norm_batch_size": [8, 64]}))
    design = compared(run).design
    rows = final(run.statistics, design).iloc[:0]
    table = level_means(rows, design, "mean_error", ["layer"])
    names = ["facet", "layer", "level", "mean", "low", "high", "units", "left_out"]
    assert isinstance(table, pd.DataFrame) and table.empty and list(table.columns) == names


def test_what_failed_trials_lack_is_left_out_and_counted(tmp_path: Path) -> None:
    """Draw 1 of m = 8 failed, and a seed of m = 64 diverged: neither is a smaller study."""

    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), config.draw, seed) == (64, 0, 2) else 1.0

    run = run_of(
        tmp_path,
        crossed(SIZES, rates=RATES),
        World(test=loss),
        scientific=SIZES,
        status=lambda c: "failed" if (size(c), c.draw) == (8, 1) else "completed",
    )
    own = compared(run)
    assert own.design.planned == {("", level): 6 * 2 for level in (8.0, 64.0, 256.0)}
    counted = {
        reading: level_means(rows, own.design, "test_loss", [], reading)["left_out"].tolist()
        for reading, rows in own.final_readings.items()
    }
    # Of best draws one a seed is asked for: draw 0, which all sizes finished.
    assert counted == {EVERY_DRAW: [6, 1, 0], BEST_DRAW: [0, 1, 0]}


def test_random_search_counts_what_failed_at_its_own_size(tmp_path: Path) -> None:
    sizes = enumerate((8, 8, 64, 256))
    trials = [trial(norm_batch_size=m, draw=i, learning_rate=(i + 1) / 10) for i, m in sizes]
    run = run_of(tmp_path, trials, status=lambda c: "failed" if c.draw == 1 else "completed")
    own = compared(run)
    assert not own.design.paired
    means = level_means(own.final_values, own.design, "test_loss", [])
    assert means["left_out"].tolist() == [6, 0, 0]
