"""One number per seed: choices by other seeds, best draws, missing ones, arms by their fields."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.analysis.scorecard.sizes import probed
from caviar.analysis.scorecard.verdicts import verdict_on
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import CLAIM, arm, ghosts, seedwise_of
from tests.analysis.synthetic import World, size


def test_the_best_size_of_a_seed_is_chosen_by_the_others(tmp_path: Path) -> None:
    """Seed 3 alone is far better at 64: it would move the mean, but not for itself."""

    def loss(config: TrialConfig, seed: int) -> float:
        return {8: 0.2, 64: 0.3 if seed != 3 else -9.0, 256: 5.0}[size(config)] + 1e-3 * seed

    s = seedwise_of(
        tmp_path, ghosts(8, 64, 256), World(test=loss, train=lambda c, seed: size(c) + seed)
    )
    expected = [(0.2 if i == 3 else 0.3) + 1e-3 * i for i in range(8)]
    assert s.best("", [8, 64]) == pytest.approx(expected)
    chosen = [8 if i == 3 else 64 for i in range(8)]
    assert s.best("", [8, 64], "train population") == pytest.approx(
        [best + i for i, best in enumerate(chosen)]
    )


def test_a_size_where_another_seed_diverged_is_not_the_best(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), seed) == (8, 2) else {8: 0.1, 64: 0.3}[size(config)]

    s = seedwise_of(tmp_path, ghosts(8, 64), World(test=loss))
    assert s.best("", [8, 64])[[0, 1, 3]] == pytest.approx([0.3] * 3)
    assert math.isnan(s.best("", [8, 64])[2])  # it would have chosen 8, and diverged there


def test_losses_are_those_of_the_best_draw(tmp_path: Path) -> None:
    """At 8 the first rate is best by validation, at 64 the second."""

    def loss(config: TrialConfig, seed: int) -> float:
        good = (size(config) == 8) == (config.draw == 0)
        return (0.1 if good else 0.9) + 0.01 * size(config)

    s = seedwise_of(tmp_path, ghosts(8, 64, rates=(0.1, 0.2)), World(test=loss, validation=loss))
    assert s.tuned
    assert s.loss("", 8) == pytest.approx([0.18] * 8)
    assert s.loss("", 64) == pytest.approx([0.74] * 8)


def test_noise_is_a_mean_over_draws_and_a_missing_draw_a_missing_seed(tmp_path: Path) -> None:
    def columns(config: TrialConfig, seed: int, m: int) -> dict[str, float]:
        lost = (config.draw, seed, m, size(config)) == (1, 4, 8, 64)
        return {"noise_penalty": math.nan if lost else 1.0 + config.draw + 10 * (m == 64)}

    s = seedwise_of(tmp_path, ghosts(8, 64, rates=(0.1, 0.2)), World(network=columns))
    rows = s.noise.set_index(["level", "probe_batch_size", "seed"])["noise_penalty"]
    assert rows[64, 64, 4] == pytest.approx(11.5)
    assert rows[64, 8, 3] == pytest.approx(1.5)
    assert math.isnan(rows[64, 8, 4])
    over_levels = probed(s, "noise_penalty", 8)
    assert over_levels.loc[3, 8] == pytest.approx(1.5)
    assert math.isnan(over_levels.loc[4, 8])
    verdict = verdict_on(CLAIM["adaptation"], s)
    assert verdict is not None and (verdict.seeds, verdict.left_out) == (7, 1)


def test_an_arm_is_known_by_its_fields(tmp_path: Path) -> None:
    trials = [*arm("own", 8, 64), *arm("x", 8, 64, norm="renorm"), *arm("y", 1024, dropout=0.1)]
    s = seedwise_of(tmp_path, trials)
    assert s.batch_norm == "own"
    assert s.arms_with(norm="renorm") == ["x"]
    assert s.arms_with(norm="batch", dropout=0.1) == ["y"]
    assert s.arms_with(norm="batch") == ["own", "y"]
    assert s.population() is None
    assert math.isnan(s.loss("x", 32)[0])
