"""Configurations are ranked by validation alone, and a choice is judged where it was not made."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from caviar.analysis.statistics.intervals import mean_interval
from caviar.analysis.tables.configurations.ranking import ranking
from caviar.analysis.tables.estimates import SEED
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, run_of, trial

RATES = (0.1, 0.2, 0.3, 0.4)
LOSSES = {0.1: 0.30, 0.2: 0.10, 0.3: 0.20, 0.4: 0.40}


def rated(**fields: object) -> list[TrialConfig]:
    """A trial per learning rate, without statistics of the batch."""
    return [trial(norm="layer", learning_rate=rate, **fields) for rate in RATES]  # type: ignore[arg-type]


def ladder(config: TrialConfig, seed: int) -> float:
    return LOSSES[config.learning_rate] + 0.001 * seed


def test_the_lowest_validation_loss_is_first_and_the_test_set_beside_it(tmp_path: Path) -> None:
    """The test set has the opposite order."""
    world = World(validation=ladder, test=lambda c, seed: 1 - ladder(c, seed))
    table = ranking(run_of(tmp_path, rated(), world))
    assert table["learning_rate"].tolist() == [0.2, 0.3, 0.1, 0.4]
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["mean"].to_numpy() == pytest.approx([0.1025, 0.2025, 0.3025, 0.4025])
    assert table["test_mean"].to_numpy() == pytest.approx(1 - table["mean"].to_numpy())
    values = 0.1 + 0.001 * np.arange(6)
    expected = mean_interval(values, np.random.default_rng(SEED))
    assert tuple(table.loc[0, ["low", "high"]]) == pytest.approx((expected.low, expected.high))
    assert set(table.columns) >= {"learning_rate"} and "momentum" not in table


def test_accuracy_is_better_when_it_is_higher(tmp_path: Path) -> None:
    world = World(accuracy=lambda c, seed: 1 - LOSSES[c.learning_rate])
    table = ranking(run_of(tmp_path, rated(), world), "validation_accuracy")
    assert table["learning_rate"].tolist() == [0.2, 0.3, 0.1, 0.4]
    assert table["mean"].iloc[0] == pytest.approx(0.9)


def test_the_seeds_that_choose_are_not_those_that_are_read(tmp_path: Path) -> None:
    """Of nine seeds three choose: there, 0.4 is the best; at the six others it is the worst."""

    def luck(config: TrialConfig, seed: int) -> float:
        return -1.0 if config.learning_rate == 0.4 and seed < 3 else ladder(config, seed)

    table = ranking(run_of(tmp_path, rated(seeds=range(9)), World(validation=luck)))
    chosen = table[table["choosing_rank"] == 1].iloc[0]
    assert chosen["learning_rate"] == 0.4
    assert chosen["other_mean"] == pytest.approx(0.4 + 0.001 * np.arange(3, 9).mean())
    assert math.isfinite(chosen["other_low"]) and chosen["mean"] < 0


def test_one_seed_leaves_nothing_to_read(tmp_path: Path) -> None:
    table = ranking(run_of(tmp_path, rated(seeds=[0]), World(validation=ladder)))
    assert table["choosing_rank"].isna().all() and table["other_mean"].isna().all()
    assert table["low"].isna().all()


def test_a_configuration_that_diverged_comes_last(tmp_path: Path) -> None:
    """0.2 would be the best but for one seed; of 0.3 no seed is finite."""

    def sometimes(config: TrialConfig, seed: int) -> float:
        lost = (config.learning_rate == 0.2 and seed == 1) or config.learning_rate == 0.3
        return math.nan if lost else ladder(config, seed)

    table = ranking(run_of(tmp_path, rated(), World(validation=sometimes, test=sometimes)))
    assert table["learning_rate"].tolist() == [0.1, 0.4, 0.2, 0.3]
    assert table["diverged_seeds"].tolist() == [0, 0, 1, 6]
    assert table["mean"].iloc[2] == pytest.approx(0.1 + 0.001 * np.mean([0, 2, 3, 4, 5]))
    assert np.isnan(table["mean"].iloc[3])


def test_trials_that_have_not_finished_are_not_ranked(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        rated(),
        World(validation=ladder),
        status=lambda c: None if c.learning_rate == 0.2 else "completed",
    )
    assert ranking(run)["learning_rate"].tolist() == [0.3, 0.1, 0.4]


@pytest.mark.parametrize("by", ["test_loss", "loss", "validation"])
def test_nothing_else_chooses(by: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, rated(), World(validation=ladder))
    with pytest.raises(ValueError, match="chosen by validation_loss or validation_accuracy") as no:
        ranking(run, by)
    assert ("leaves nothing to judge" in str(no.value)) == by.startswith("test")


def test_the_best_of_equals_looks_better_than_it_is_but_not_at_the_other_seeds(
    tmp_path: Path,
) -> None:
    """60 configurations of one and the same law: the winner's mean is its luck."""
    rates = [0.01 * (i + 1) for i in range(60)]
    noise = np.random.default_rng(3).normal(0.5, 0.1, (60, 12))
    world = World(validation=lambda c, seed: float(noise[round(100 * c.learning_rate) - 1, seed]))
    trials = [trial(norm="layer", learning_rate=rate, seeds=range(12)) for rate in rates]
    table = ranking(run_of(tmp_path, trials, world))
    error = 0.1 / math.sqrt(12)
    assert table["mean"].iloc[0] < 0.5 - 1.5 * error
    chosen = table[table["choosing_rank"] == 1].iloc[0]
    assert abs(chosen["other_mean"] - 0.5) < 3 * 0.1 / math.sqrt(8)
    assert chosen["other_low"] < 0.5 < chosen["other_high"]
