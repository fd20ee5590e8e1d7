"""The draw that each arm and seed chooses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.analysis.run.draws import BEST_DRAW
from caviar.analysis.tables.estimates import level_means
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


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
    chosen = compared(run).chosen_draws
    for _, arm in chosen.groupby("level"):
        assert arm.set_index("seed")["draw"].to_dict() == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}


def test_each_arm_chooses_for_itself_by_its_last_validation_loss(tmp_path: Path) -> None:
    def validation(config: TrialConfig, seed: int) -> float:
        return 0.1 * seed + (1.0 if (size(config) == 64) == (config.draw == 0) else 0.0)

    world = World(validation=validation)
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    chosen = compared(run).chosen_draws
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
    chosen = compared(run).chosen_draws
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
    comparison = compared(run)
    arm = comparison.chosen_draws.query("level == 8").set_index("seed")["draw"]
    assert arm.to_dict() == {0: 0, 1: 0, 2: 1, 3: 0, 4: 0, 5: 0}
    rows = comparison.final_readings[BEST_DRAW]
    means = level_means(rows, comparison.design, "test_loss", [], BEST_DRAW)
    assert means["left_out"].tolist() == [1, 1, 1]
    assert means["units"].tolist() == [5, 5, 5]
    assert means["mean"].tolist() == [1, 1, 1]


def test_where_every_draw_diverged_there_is_still_a_choice(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: math.nan if config.norm_batch_size < 256 else 1.0)
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    assert len(compared(run).chosen_draws) == 3 * 6
