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
    assert PENALTY_SPLIT.sentences(results_in(run)) == [
        "Self-influence, the effect of an example on its own statistics, adds 0.0625 [0.0625, "
        "0.0625] nats to the noise penalty at m = 4; one backward pass predicts 0.05.",
        "The prediction lies outside the measured interval at m = 4, 64.",
    ]


def test_every_size_is_told_whether_or_not_the_prediction_fits_there(tmp_path: Path) -> None:
    """Seeds spread widely at 64 alone, so that the interval there holds the prediction."""
    levels = {"norm_batch_size": [4, 64]}
    wide = {4: 0.0, 64: 0.5}
    world = World(
        penalty=lambda config, seed: (1 + wide[size(config)] * (-1) ** seed) / size(config)
    )
    trials = crossed(levels, probe_batch_sizes=(4, 64), seeds=tuple(range(8)))
    run = run_of(tmp_path, trials, world, scientific=levels)
    _, told = PENALTY_SPLIT.sentences(results_in(run))
    assert told == (
        "The prediction lies inside the measured interval at m = 64 and outside it at m = 4."
    )
