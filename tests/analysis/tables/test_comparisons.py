"""Arms on runs with known truth: last rows, chosen draws and the two readings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.design import Design, design_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.comparisons import (
    BEST_DRAW,
    EVERY_DRAW,
    chosen_draws,
    final,
    level_means,
    readings,
)
from caviar.analysis.tables.regularization import final_values
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import STEPS, World, crossed, run_of, size, trial

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


def designed(run: Run) -> Design:
    own = design_of(run)
    assert own is not None
    return own


def test_only_the_last_step_of_each_trial_counts(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    short = run.evaluations["norm_batch_size"] == 64
    # One trial stopped half way: its own last step counts.
    frame = run.evaluations[~short | (run.evaluations["step"] < STEPS)]
    rows = final(frame, designed(run))
    assert rows.groupby("level")["step"].unique().map(list).to_dict() == {
        8: [STEPS],
        64: [STEPS // 2],
        256: [STEPS],
    }
    assert (rows["level"] == rows["norm_batch_size"]).all()
    assert set(rows["facet"]) == {""}


def one_lucky_seed(seed: int, draw: int) -> float:
    """Draw 0 is best on average thanks to seed 0 alone; on every other seed draw 1 is better."""
    if draw == 0:
        return -100.0 if seed == 0 else 1.0
    return 0.5


def test_a_choice_never_uses_the_seed_that_it_is_for(tmp_path: Path) -> None:
    world = World(
        validation=lambda config, seed: one_lucky_seed(seed, config.draw),
        test=lambda config, seed: -one_lucky_seed(seed, config.draw),
        train=lambda config, seed: -one_lucky_seed(seed, config.draw),
    )
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    chosen = chosen_draws(run, designed(run))
    for _, arm in chosen.groupby("level"):
        assert arm.set_index("seed")["draw"].to_dict() == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}


def test_each_arm_chooses_for_itself_by_its_last_validation_loss(tmp_path: Path) -> None:
    def validation(config: TrialConfig, seed: int) -> float:
        return 0.1 * seed + (1.0 if (size(config) == 64) == (config.draw == 0) else 0.0)

    world = World(validation=validation)
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    chosen = chosen_draws(run, designed(run))
    assert chosen.groupby("level")["draw"].unique().map(list).to_dict() == {
        8: [0],
        64: [1],
        256: [0],
    }
    assert len(chosen) == 3 * 6


def test_facets_choose_for_themselves(tmp_path: Path) -> None:
    levels = {"activation": ["relu", "tanh"], **SIZES}
    world = World(
        validation=lambda config, seed: float(config.draw == (config.activation == "relu"))
    )
    run = run_of(tmp_path, crossed(levels, rates=RATES), world, scientific=levels)
    chosen = chosen_draws(run, designed(run))
    assert chosen.groupby("facet")["draw"].unique().map(list).to_dict() == {
        "activation = relu": [0],
        "activation = tanh": [1],
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_draw_that_diverged_on_another_seed_is_not_chosen(tmp_path: Path, bad: float) -> None:
    """Seed 2 cannot know that its own trial diverged; the others do."""
    world = World(
        validation=lambda config, seed: (
            bad if (config.draw, seed) == (1, 2) else 1.0 - 0.5 * config.draw
        ),
        test=lambda config, seed: bad if (config.draw, seed) == (1, 2) else 1.0 + 0.5 * config.draw,
    )
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    own = designed(run)
    arm = chosen_draws(run, own).query("level == 8").set_index("seed")["draw"]
    assert arm.to_dict() == {0: 0, 1: 0, 2: 1, 3: 0, 4: 0, 5: 0}
    rows = readings(run, own, final_values(run, own))[BEST_DRAW]
    means = level_means(rows, own, "test_loss", [], BEST_DRAW)
    assert means["left_out"].tolist() == [1, 1, 1]
    assert means["units"].tolist() == [5, 5, 5]
    assert means["mean"].tolist() == [1, 1, 1]


def test_where_every_draw_diverged_there_is_still_a_choice(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: math.nan)
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    assert len(chosen_draws(run, designed(run))) == 3 * 6


def test_readings(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), scientific=SIZES)
    own = designed(run)
    values = final_values(run, own)
    found = readings(run, own, values)
    assert list(found) == [EVERY_DRAW, BEST_DRAW]
    assert len(found[EVERY_DRAW]) == 3 * 6 * 2
    assert len(found[BEST_DRAW]) == 3 * 6
    assert not found[BEST_DRAW].duplicated(["level", "seed"]).any()


def test_one_draw_has_one_reading(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    own = designed(run)
    assert list(readings(run, own, final_values(run, own))) == [EVERY_DRAW]


def test_a_random_search_has_one_reading(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    run = run_of(tmp_path, trials)
    own = designed(run)
    assert list(readings(run, own, final_values(run, own))) == [EVERY_DRAW]


def test_means_by_tracker_are_those_of_its_rows_alone(tmp_path: Path) -> None:
    """Two draws, rows in any order, trackers without a decay, values that are missing."""
    levels = {"norm_batch_size": [8, 64], "dropout": [0.0, 0.1]}
    run = run_of(tmp_path, crossed(levels, rates=(0.1, 0.2)), scientific=levels)
    design = design_of(run)
    assert design is not None
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
    design = design_of(run)
    assert design is not None
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
    own = designed(run)
    assert own.planned == {("", level): 6 * 2 for level in (8.0, 64.0, 256.0)}
    counted = {
        reading: level_means(rows, own, "test_loss", [], reading)["left_out"].tolist()
        for reading, rows in readings(run, own, final_values(run, own)).items()
    }
    # Of best draws one a seed is asked for: draw 0, which all sizes finished.
    assert counted == {EVERY_DRAW: [6, 1, 0], BEST_DRAW: [0, 1, 0]}


def test_random_search_counts_what_failed_at_its_own_size(tmp_path: Path) -> None:
    sizes = enumerate((8, 8, 64, 256))
    trials = [trial(norm_batch_size=m, draw=i, learning_rate=(i + 1) / 10) for i, m in sizes]
    run = run_of(tmp_path, trials, status=lambda c: "failed" if c.draw == 1 else "completed")
    own = designed(run)
    assert not own.paired
    means = level_means(final_values(run, own), own, "test_loss", [])
    assert means["left_out"].tolist() == [6, 0, 0]
