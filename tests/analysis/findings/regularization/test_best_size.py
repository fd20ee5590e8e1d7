"""What is said of the best size, and of the draws behind it."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.best_size import CHOSEN_DRAWS
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def test_a_choice_inside_its_range_is_not_flagged(tmp_path: Path) -> None:
    """Of three rates the middle one is best everywhere."""
    world = World(validation=lambda config, seed: abs(config.learning_rate - 0.2))
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    assert not CHOSEN_DRAWS.sentences(results_in(run))


def test_sizes_besides_those_of_the_headline_are_named_at_the_edge(tmp_path: Path) -> None:
    """The headline warns for the best size, 16, and the largest, 64."""
    world = World(
        validation=lambda config, seed: float(config.draw if size(config) < 32 else -config.draw),
        test=lambda config, seed: 1.0 + abs(size(config) - 16) / 100,
    )
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    assert CHOSEN_DRAWS.sentences(results_in(run)) == [
        "At m = 4, 8, 32 too, the best learning rate was the lowest or highest tried, so a better "
        "one may lie outside."
    ]
