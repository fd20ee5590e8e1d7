"""What is said of self-influence."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.penalties import PENALTY_SPLIT
from tests.analysis.synthetic import World, crossed, results_in, run_of, size


def test_self_influence_measured_and_predicted(tmp_path: Path) -> None:
    """It is a quarter of the penalty in this world, and a fifth is predicted."""
    levels = {"norm_batch_size": [4, 64]}
    world = World(penalty=lambda config, seed: 1 / size(config))
    trials = crossed(levels, probe_batch_sizes=(4, 64))
    run = run_of(tmp_path, trials, world, scientific=levels)
    (sentence,) = PENALTY_SPLIT.sentences(results_in(run))
    assert "self-influence, the effect of an example on its own statistics" in sentence
    assert sentence.endswith(
        "predicts: 0.0625 [0.0625, 0.0625] at m = 4 (0.05); "
        "0.00391 [0.00391, 0.00391] at m = 64 (0.00312)."
    )
