"""Means and contrasts: units, pairing, and what is left out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.run.final_rows import final
from caviar.analysis.statistics.intervals import difference_interval, mean_interval
from caviar.analysis.statistics.random_draws import over_draws
from caviar.analysis.tables.estimates import contrasts, contrasts_over_draws, level_means
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial, wiggle

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
        of_row = rows[(rows["facet"] == row["facet"]) & (rows["level"] == row["level"])]
        of_row = of_row[of_row["rule"] == row["rule"]]
        finite = of_row[np.isfinite(of_row["value"])]
        units = [seed["value"].mean() for _, seed in finite.groupby("seed")]
        expected = mean_interval(np.array(units), np.random.default_rng(0))
        assert [row[name] for name in expected._fields] == pytest.approx(expected, nan_ok=True)
        assert row["left_out"] == len(of_row) - len(finite)
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
    comparison = compared(run)
    assert comparison.design.planned == {("", level): 6 * 2 for level in (8.0, 64.0, 256.0)}
    counted = {
        reading: level_means(rows, comparison.design, "test_loss", [], reading)["left_out"].tolist()
        for reading, rows in comparison.final_readings.items()
    }
    # Of best draws one per seed is asked for: draw 0, which all sizes finished.
    assert counted == {EVERY_DRAW: [6, 1, 0], BEST_DRAW: [0, 1, 0]}


def test_random_search_counts_what_failed_at_its_own_size(tmp_path: Path) -> None:
    sizes = enumerate((8, 8, 64, 256))
    trials = [trial(norm_batch_size=m, draw=i, learning_rate=(i + 1) / 10) for i, m in sizes]
    run = run_of(tmp_path, trials, status=lambda c: "failed" if c.draw == 1 else "completed")
    comparison = compared(run)
    assert not comparison.design.paired
    means = level_means(comparison.final_values, comparison.design, "test_loss", [])
    assert means["left_out"].tolist() == [6, 0, 0]


def plain(**columns: object) -> pd.DataFrame:
    """Values as `final_values` gives them, in one facet."""
    return pd.DataFrame({"facet": "", "draw": 0, **columns}).assign(
        trial_id=lambda rows: rows["level"].astype(str) + "-" + rows["draw"].astype(str)
    )


SEEDED = Design("norm_batch_size", (8.0, 256.0), (), "seed", "m")
SEARCHED = Design("norm_batch_size", (8.0, 256.0), (), "trial_id", "m")


def test_draws_are_averaged_within_a_seed_before_seeds_are_resampled() -> None:
    """Twelve rows are six units: the interval is that of the six means."""
    generator = np.random.default_rng(0)
    values = generator.standard_normal(12)
    rows = plain(level=8.0, seed=np.tile(np.arange(6), 2), draw=np.repeat([0, 1], 6), value=values)
    means = level_means(rows, SEEDED, "value", []).iloc[0]
    expected = mean_interval(values.reshape(2, 6).mean(axis=0), np.random.default_rng(0))
    assert tuple(means[["mean", "low", "high", "units"]]) == expected
    assert means["left_out"] == 0


def test_the_unit_of_a_random_search_is_the_trial() -> None:
    generator = np.random.default_rng(0)
    values = generator.standard_normal(12)
    rows = plain(level=8.0, seed=np.tile([0, 1], 6), draw=np.repeat(np.arange(6), 2), value=values)
    means = level_means(rows, SEARCHED, "value", []).iloc[0]
    expected = mean_interval(values.reshape(6, 2).mean(axis=1), np.random.default_rng(0))
    assert tuple(means[["mean", "low", "high", "units"]]) == expected


def test_means_count_what_is_not_finite() -> None:
    values = np.arange(12.0)
    values[[0, 6, 7]] = [np.nan, np.inf, -np.inf]
    rows = plain(level=8.0, seed=np.tile(np.arange(6), 2), draw=np.repeat([0, 1], 6), value=values)
    means = level_means(rows, SEEDED, "value", []).iloc[0]
    assert means["left_out"] == 3
    assert means["units"] == 5  # seed 0 has no finite draw left
    assert means["mean"] == np.mean([1, (2 + 8) / 2, (3 + 9) / 2, (4 + 10) / 2, (5 + 11) / 2])


def test_means_by_further_columns() -> None:
    rows = plain(level=np.repeat([8.0, 256.0], 6), seed=np.tile(np.arange(6), 2), value=1.0)
    rows = pd.concat(
        [rows.assign(rule="a", decay=0.9), rows.assign(rule="b", decay=np.nan, value=2.0)]
    )
    means = level_means(rows, SEEDED, "value", ["rule", "decay"])
    assert means[["rule", "level", "mean"]].to_numpy().tolist() == [
        ["a", 8, 1],
        ["a", 256, 1],
        ["b", 8, 2],
        ["b", 256, 2],
    ]


def arms(offsets: NDArray[Any], effect: NDArray[Any]) -> pd.DataFrame:
    """Six seeds at two levels that share the seeds' offsets; rows in different orders."""
    seeds = np.arange(6)
    here = plain(level=8.0, seed=seeds, value=offsets + effect)
    reference = plain(level=256.0, seed=seeds, value=offsets)
    return pd.concat([here, reference.iloc[::-1]], ignore_index=True)


def test_contrasts_are_paired_by_seed() -> None:
    """Offsets of a million between seeds, effects of a quarter: exact, whatever the row order."""
    offsets = 2.0**20 * np.arange(6)
    differences = contrasts(arms(offsets, np.full(6, 0.25)), SEEDED, "value")
    assert len(differences) == 1
    row = differences.iloc[0]
    assert (row["facet"], row["level"], row["units"], row["left_out"]) == ("", 8, 6, 0)
    assert (row["mean"], row["low"], row["high"]) == (0.25, 0.25, 0.25)


def test_a_contrast_has_the_interval_of_its_differences() -> None:
    effect = np.array([0.5, 0.25, 0.125, 0.75, 1.0, 0.0])
    row = contrasts(arms(2.0**20 * np.arange(6), effect), SEEDED, "value").iloc[0]
    assert tuple(row[["mean", "low", "high", "units"]]) == mean_interval(
        effect, np.random.default_rng(0)
    )


def test_draws_are_paired_too() -> None:
    """The same draw on both sides, then the mean over draws, one unit per seed."""
    parts = [
        arms(1000.0 * np.arange(6) + 2.0**20 * draw, np.full(6, 1.0 + draw)).assign(draw=draw)
        for draw in range(3)
    ]
    row = contrasts(pd.concat(parts), SEEDED, "value").iloc[0]
    assert (row["mean"], row["low"], row["high"], row["units"]) == (2, 2, 2, 6)


def test_pairs_with_a_missing_side_are_counted() -> None:
    rows = arms(np.zeros(6), np.full(6, 0.25))
    small, large = rows["level"] == 8, rows["level"] == 256
    rows.loc[small & (rows["seed"] == 1), "value"] = np.nan
    rows.loc[large & (rows["seed"] == 2), "value"] = np.inf
    rows = rows[~(large & (rows["seed"] == 3))]
    row = contrasts(rows, SEEDED, "value").iloc[0]
    assert (row["left_out"], row["units"], row["mean"]) == (3, 3, 0.25)


def test_a_diverged_draw_leaves_its_pair_out() -> None:
    """Draw 1 is far worse and diverged at m = 8 on one seed: that seed's draw 0 is compared with
    draw 0, not with both."""
    parts = [arms(100.0 * draw * np.ones(6), np.full(6, 0.25)).assign(draw=draw) for draw in (0, 1)]
    rows = pd.concat(parts, ignore_index=True)
    rows.loc[(rows["level"] == 8) & (rows["draw"] == 1) & (rows["seed"] == 0), "value"] = np.nan
    row = contrasts(rows, SEEDED, "value").iloc[0]
    assert (row["mean"], row["low"], row["high"]) == (0.25, 0.25, 0.25)
    assert (row["left_out"], row["units"]) == (1, 6)


def test_chosen_draws_may_differ_between_the_sides_of_a_pair() -> None:
    rows = arms(1000.0 * np.arange(6), np.full(6, -0.5))
    rows.loc[rows["level"] == 8, "draw"] = 2
    row = contrasts(rows, SEEDED, "value", BEST_DRAW).iloc[0]
    assert (row["mean"], row["left_out"], row["units"]) == (-0.5, 0, 6)


def test_unpaired_contrasts_compare_trials() -> None:
    generator = np.random.default_rng(1)
    small, large = generator.standard_normal((7, 2)), generator.standard_normal((9, 2))
    rows = pd.concat(
        plain(
            level=level,
            seed=np.tile([0, 1], len(values)),
            draw=np.repeat(np.arange(len(values)), 2),
            value=values.ravel(),
        )
        for level, values in ((8.0, small), (256.0, large))
    )
    row = contrasts(rows, SEARCHED, "value").iloc[0]
    expected = difference_interval(small.mean(axis=1), large.mean(axis=1), np.random.default_rng(0))
    assert tuple(row[["mean", "low", "high", "units"]]) == pytest.approx(expected)


def test_facets_are_contrasted_within_themselves() -> None:
    parts = [
        arms(np.zeros(6), np.full(6, effect)).assign(facet=facet)
        for facet, effect in (("norm = batch", 1.0), ("norm = layer", -1.0))
    ]
    parts.append(plain(level=8.0, seed=np.arange(6), value=5.0).assign(facet="norm = none"))
    differences = contrasts(pd.concat(parts), SEEDED, "value")
    assert differences.set_index("facet")["mean"].to_dict() == {
        "norm = batch": 1,
        "norm = layer": -1,
    }


def test_an_arm_with_one_finished_draw_is_held_against_the_same_draw() -> None:
    parts = [arms(100.0 * draw * np.ones(6), np.full(6, 0.25)).assign(draw=draw) for draw in (0, 1)]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[~((rows["level"] == 8) & (rows["draw"] == 0))]
    row = contrasts(rows, SEEDED, "value").iloc[0]
    assert (row["mean"], row["left_out"]) == (0.25, 6)


def test_unpaired_contrasts_count_what_is_left_out() -> None:
    rows = plain(
        level=np.repeat([8.0, 256.0], 12),
        seed=np.tile([0, 1], 12),
        draw=np.repeat(np.arange(12), 2),
        value=1.0,
    )
    rows.loc[3, "value"] = np.nan
    assert contrasts(rows, SEARCHED, "value")["left_out"].tolist() == [1]


def test_equal_rows_have_equal_intervals() -> None:
    values = np.random.default_rng(0).standard_normal(6)
    rows = plain(level=np.repeat([8.0, 256.0], 6), seed=np.tile(np.arange(6), 2))
    means = level_means(rows.assign(value=np.tile(values, 2)), SEEDED, "value", [])
    assert means["low"].nunique() == means["high"].nunique() == 1


def test_arms_without_a_common_draw_are_not_compared() -> None:
    parts = [arms(100.0 * draw * np.ones(6), np.full(6, 0.25)).assign(draw=draw) for draw in (0, 1)]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["level"] == 8) == (rows["draw"] == 0)]
    row = contrasts(rows, SEEDED, "value").iloc[0]
    assert row["units"] == 0


def test_ends_over_draws_are_those_of_the_pairs_at_each_draw(tmp_path: Path) -> None:
    """Four rates of which one diverged at m = 8 for one seed: three say nothing there."""
    rates = tuple(0.1 * k for k in range(1, 5))

    def loss(config: TrialConfig, seed: int) -> float:
        if (size(config), config.draw, seed) == (8, 3, 2):
            return math.inf
        return seed + wiggle(config, seed) + config.draw**2 / size(config)

    run = run_of(tmp_path, crossed(SIZES, rates=rates), World(test=loss), scientific=SIZES)
    comparison = compared(run)
    rows = comparison.final_values
    table = contrasts_over_draws(rows, comparison.design, "test_loss").set_index("level")
    wide = rows.pivot_table(index="seed", columns=["level", "draw"], values="test_loss")
    expected = over_draws((wide[64.0] - wide[256.0]).to_numpy(), np.random.default_rng(0))
    assert table.loc[64, "draws_low"] == pytest.approx(expected.low)
    assert table.loc[64, "draws_high"] == pytest.approx(expected.high)
    assert table["draws"].to_dict() == {8: 3, 64: 4} and math.isnan(table.loc[8, "draws_low"])


def test_without_draws_there_are_no_ends_over_draws(tmp_path: Path) -> None:
    comparison = compared(run_of(tmp_path, crossed(SIZES), scientific=SIZES))
    assert contrasts_over_draws(comparison.final_values, comparison.design, "test_loss").empty
