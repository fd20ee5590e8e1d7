"""One number a seed: choices by other seeds, best draws, missing ones, arms by their fields."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.analysis.run.design import design_of
from caviar.analysis.scorecard.hypotheses import HYPOTHESES
from caviar.analysis.scorecard.literature import CLAIMS
from caviar.analysis.scorecard.measures_of_noise import probed
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.verdicts import scorecard, verdict_on
from caviar.runner.config import TrialConfig
from tests.analysis.claim_scenarios import arm, ghosts, measured, updates
from tests.analysis.claim_worlds_losses import DROPOUTS, POPULATION, batch, better_than_dropout
from tests.analysis.synthetic import World, run_of, size

ALL = {claim.key: claim for claim in (*CLAIMS, *HYPOTHESES)}


def seen(root: Path, trials: list[TrialConfig], world: World | None = None) -> Seedwise:
    found = measured(root, trials, world)
    assert found is not None
    return found


def test_the_best_size_of_a_seed_is_chosen_by_the_others(tmp_path: Path) -> None:
    """Seed 3 alone is far better at 64: it would move the mean, but not for itself."""

    def loss(config: TrialConfig, seed: int) -> float:
        return {8: 0.2, 64: 0.3 if seed != 3 else -9.0, 256: 5.0}[size(config)] + 1e-3 * seed

    s = seen(tmp_path, ghosts(8, 64, 256), World(test=loss, train=lambda c, seed: size(c) + seed))
    expected = [(0.2 if i == 3 else 0.3) + 1e-3 * i for i in range(8)]
    assert s.best("", [8, 64]) == pytest.approx(expected)
    chosen = [8 if i == 3 else 64 for i in range(8)]
    assert s.best("", [8, 64], "train population") == pytest.approx(
        [at + i for i, at in enumerate(chosen)]
    )


def test_a_size_where_another_seed_diverged_is_not_the_best(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), seed) == (8, 2) else {8: 0.1, 64: 0.3}[size(config)]

    s = seen(tmp_path, ghosts(8, 64), World(test=loss))
    assert s.best("", [8, 64])[[0, 1, 3]] == pytest.approx([0.3] * 3)
    assert math.isnan(s.best("", [8, 64])[2])  # it would have chosen 8, and diverged there


def test_losses_are_those_of_the_best_draw(tmp_path: Path) -> None:
    """At 8 the first rate is best by validation, at 64 the second."""

    def loss(config: TrialConfig, seed: int) -> float:
        good = (size(config) == 8) == (config.draw == 0)
        return (0.1 if good else 0.9) + 0.01 * size(config)

    s = seen(tmp_path, ghosts(8, 64, rates=(0.1, 0.2)), World(test=loss, validation=loss))
    assert s.tuned
    assert s.loss("", 8) == pytest.approx([0.18] * 8)
    assert s.loss("", 64) == pytest.approx([0.74] * 8)


def test_noise_is_a_mean_over_draws_and_a_missing_draw_a_missing_seed(tmp_path: Path) -> None:
    def columns(config: TrialConfig, seed: int, m: int) -> dict[str, float]:
        lost = (config.draw, seed, m, size(config)) == (1, 4, 8, 64)
        return {"noise_penalty": math.nan if lost else 1.0 + config.draw + 10 * (m == 64)}

    s = seen(tmp_path, ghosts(8, 64, rates=(0.1, 0.2)), World(network=columns))
    rows = s.noise.set_index(["level", "probe_batch_size", "seed"])["noise_penalty"]
    assert rows[64, 64, 4] == pytest.approx(11.5)
    assert rows[64, 8, 3] == pytest.approx(1.5)
    assert math.isnan(rows[64, 8, 4])
    over_levels = probed(s, "noise_penalty", 8)
    assert over_levels.loc[3, 8] == pytest.approx(1.5)
    assert math.isnan(over_levels.loc[4, 8])
    found = verdict_on(ALL["adaptation"], s)
    assert found is not None and (found.seeds, found.left_out) == (7, 1)


def test_an_arm_is_known_by_its_fields(tmp_path: Path) -> None:
    trials = [*arm("own", 8, 64), *arm("x", 8, 64, norm="renorm"), *arm("y", 1024, dropout=0.1)]
    s = seen(tmp_path, trials)
    assert s.own == "own"
    assert s.arms_with(norm="renorm") == ["x"]
    assert s.arms_with(norm="batch", dropout=0.1) == ["y"]
    assert s.arms_with(norm="batch") == ["own", "y"]
    assert s.population() is None
    assert math.isnan(s.loss("x", 32)[0])


def test_batches_that_differ_in_steps_are_not_compared_at_equal_steps(tmp_path: Path) -> None:
    trials = updates(64, 128, 512, norm_batch_size=64, rates=(0.1, 0.2))
    longer = [t.model_copy(update={"steps": t.steps * 512 // t.batch_size}) for t in trials]
    for key in ("small-batch-at-equal-steps", "large-batch-harmless"):
        assert verdict_on(ALL[key], seen(tmp_path / key / "equal", trials)) is not None
        assert verdict_on(ALL[key], seen(tmp_path / key / "other", longer)) is None


def test_sizes_are_not_compared_where_the_batch_of_an_update_is_drawn(tmp_path: Path) -> None:
    fixed, drawn = ghosts(8, 64, 256), ghosts(8, 64, 256, batch_size=512)
    both = [*fixed, *(trial.model_copy(update={"draw": 1}) for trial in drawn)]
    run = run_of(tmp_path / "both", both, scientific={"norm_batch_size": [8, 64, 256]})
    design = design_of(run)
    assert design is not None
    assert ALL["u-shaped"].says not in set(scorecard(run, design)["claim"])
    assert verdict_on(ALL["u-shaped"], seen(tmp_path / "fixed", fixed)) is not None


def test_dropout_is_not_compared_without_the_rate_of_zero(tmp_path: Path) -> None:
    """Else a crossing below the smallest rate would be missed."""
    world = better_than_dropout(lambda seed: 0.05 + 1e-3 * seed)
    whole = [*batch(16, 64), *POPULATION, *DROPOUTS]
    claim = ALL["better-than-dropout"]
    assert verdict_on(claim, seen(tmp_path / "whole", whole, world)) is not None
    without = [*batch(16, 64), *DROPOUTS]
    assert verdict_on(claim, seen(tmp_path / "without", without, world)) is None


def test_a_bias_is_not_read_while_weights_move(tmp_path: Path) -> None:
    """There staleness is part of it."""
    for schedule, there in (("cosine", True), ("constant", False)):
        trials = ghosts(8, 64, decay=0.5, hidden=(8, 8), schedule=schedule)
        s = seen(tmp_path / schedule, trials)
        for key in ("bessel-first-layer", "bessel-deeper"):
            assert (verdict_on(ALL[key], s) is not None) == there
