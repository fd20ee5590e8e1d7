"""What is said of a size against the largest where nothing is paired."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.regularization.effect_of_size import EFFECT_OF_SIZE
from caviar.analysis.findings.regularization.side_by_side import SIDE_BY_SIDE
from caviar.analysis.number_format import with_interval
from caviar.analysis.report.answer import about
from tests.analysis.synthetic import World, crossed, results_in, run_of, size, trial


def random_search(root: Path, trials: int = 16) -> Results:
    """Every other trial at m = 8; there, test loss is higher by a quarter."""
    configs = [
        trial(norm_batch_size=(8, 64)[i % 2], draw=i, learning_rate=0.1 + i, seeds=range(2))
        for i in range(trials)
    ]
    world = World(test=lambda config, seed: 0.25 * (size(config) == 8) + config.draw // 2 / 1024)
    return results_in(run_of(root, configs, world))


def test_a_random_search_compares_trials(tmp_path: Path) -> None:
    results = random_search(tmp_path)
    (first, *_) = about(results)
    assert "16 of 16 trials, 2 seeds each" in first and "over trials" in first
    sentences = EFFECT_OF_SIZE.sentences(results)
    effect = results["effect_of_size"]
    row = effect.query("quantity == 'test_loss' and level == 8").iloc[0]
    text = with_interval(row, signed=True)
    assert text.startswith("+0.25 [")
    expected = (
        f"Test loss at m = 8 less that at m = 64: {text} nats, between different random trials."
    )
    assert sentences == [expected]
    assert SIDE_BY_SIDE.sentences(results)[0].startswith("Random trials differ in every field")


def test_a_paired_design_leaves_the_extremes_to_the_best_size(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64]}
    run = run_of(tmp_path, crossed(levels, seeds=range(2)), scientific=levels)
    assert EFFECT_OF_SIZE.sentences(results_in(run)) == []
