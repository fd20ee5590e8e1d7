"""What is said of the best size, and of the draws behind it."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.best_size import BEST_SIZE, CHOSEN_DRAWS
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def test_the_edge_is_named(tmp_path: Path) -> None:
    world = World(test=lambda config, seed: seed - size(config) / 64)
    results = results_in(run_of(tmp_path, crossed(SIZES), world, scientific=SIZES))
    best = next(s for s in BEST_SIZE.sentences(results) if "lowest" in s)
    assert best == (
        "Test loss is lowest at m = 64 (95 % range: only 64), which reaches the edge of the sizes "
        "tried, so the best may lie outside."
    )


def test_a_choice_inside_its_range_is_not_flagged(tmp_path: Path) -> None:
    """Of three rates the middle one is best everywhere."""
    world = World(validation=lambda config, seed: abs(config.learning_rate - 0.2))
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    assert not CHOSEN_DRAWS.sentences(results_in(run))


def turned(config: TrialConfig, seed: int) -> float:
    """Lowest at 16, every seed the same but for its own level."""
    return seed + {4: 0.5, 8: 0.2, 16: 0.1, 32: 0.15, 64: 0.3}[size(config)]


def test_the_headline_is_the_best_size_against_the_largest(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), World(test=turned), scientific=SIZES)
    first = BEST_SIZE.headline(results_in(run))
    assert first.startswith("m = 16 against m = 64: test loss −0.2 [−0.2, −0.2] nats, train loss ")
    assert first.endswith("(6 seeds; 0 diverged, 0 failed, 0 lost).")


def test_choices_at_the_edge_are_counted(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: float(config.draw))
    run = run_of(tmp_path, crossed(SIZES, rates=(0.1, 0.2, 0.3)), world, scientific=SIZES)
    (sentence,) = CHOSEN_DRAWS.sentences(results_in(run))
    start = "For all 5 sizes the best learning_rate was the lowest or highest tried"
    assert sentence.startswith(start)
