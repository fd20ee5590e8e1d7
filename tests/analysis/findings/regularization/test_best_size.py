"""What is said of the best size, and of the draws behind it."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.best_size import CHOSEN_DRAWS
from tests.analysis.synthetic import World, crossed, results_in, run_of

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def test_a_choice_inside_its_range_is_not_flagged(tmp_path: Path) -> None:
    """Of three rates the middle one is best everywhere."""
    world = World(validation=lambda config, seed: abs(config.learning_rate - 0.2))
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    assert not CHOSEN_DRAWS.sentences(results_in(run))


def test_choices_at_the_edge_are_counted(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: float(config.draw))
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    (sentence,) = CHOSEN_DRAWS.sentences(results_in(run))
    start = "For all 5 sizes the best learning_rate was the lowest or highest tried"
    assert sentence.startswith(start)
