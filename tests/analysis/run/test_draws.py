"""The draw that each arm and seed chooses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.analysis.run.draws import BEST_DRAW, split_seeds
from caviar.analysis.statistics.intervals import FEWEST
from caviar.analysis.tables.estimates import level_means
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


def test_the_first_third_chooses_and_five_are_left_to_read() -> None:
    assert split_seeds(range(12)) == ((0, 1, 2, 3), tuple(range(4, 12)))
    assert split_seeds(range(1000, 1014))[1] == tuple(range(1004, 1014))
    assert split_seeds(range(6)) == ((0,), (1, 2, 3, 4, 5))
    assert split_seeds([7, 9]) == ((7,), (9,))
    assert split_seeds([7]) == ((7,), (7,))
    for n in range(6, 40):
        choosing, reading = split_seeds(range(n))
        assert len(reading) >= FEWEST and (*choosing, *reading) == tuple(range(n))


def test_a_seed_is_never_read_at_a_choice_that_it_made(tmp_path: Path) -> None:
    """Only seed 0 chooses: what the five others would prefer, or gain, changes nothing."""
    world = World(
        validation=lambda config, seed: float((config.draw == 0) == (seed > 0)),
        test=lambda config, seed: 1.0 + config.draw,
        train=lambda config, seed: 1.0 + config.draw,
    )
    comparison = compared(
        run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES),
    )
    for _, arm in comparison.chosen_draws.groupby("level"):
        assert arm.set_index("seed")["draw"].to_dict() == dict.fromkeys(range(1, 6), 0)
    rows = comparison.final_readings[BEST_DRAW]
    means = level_means(rows, comparison.design, "test_loss", [], BEST_DRAW)
    assert means["units"].tolist() == [5, 5, 5] and means["left_out"].tolist() == [0, 0, 0]
    assert means["mean"].tolist() == [1, 1, 1]


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
    assert len(chosen) == 3 * 5


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
@pytest.mark.parametrize("where", [0, 2])
def test_a_draw_that_diverged_where_it_is_chosen_or_read(
    tmp_path: Path, bad: float, where: int
) -> None:
    """Seed 0 chooses draw 1 unless it diverged there; that seed 2 diverged is counted."""

    def loss(config: TrialConfig, seed: int, slope: float) -> float:
        return bad if (config.draw, seed) == (1, where) else 1.0 + slope * config.draw

    world = World(validation=lambda c, s: loss(c, s, -0.5), test=lambda c, s: loss(c, s, 0.5))
    comparison = compared(
        run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES),
    )
    assert set(comparison.chosen_draws["draw"]) == ({0} if where == 0 else {1})
    rows = comparison.final_readings[BEST_DRAW]
    means = level_means(rows, comparison.design, "test_loss", [], BEST_DRAW)
    lost = int(where == 2)
    assert means["left_out"].tolist() == [lost] * 3 and means["units"].tolist() == [5 - lost] * 3
    assert means["mean"].tolist() == [1.5 if lost else 1.0] * 3


def test_where_every_draw_diverged_there_is_still_a_choice(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: math.nan if config.norm_batch_size < 256 else 1.0)
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    assert len(compared(run).chosen_draws) == 3 * 5
