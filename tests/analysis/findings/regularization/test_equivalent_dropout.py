"""What is said of equivalent dropout."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.equivalent_dropout import EQUIVALENT_DROPOUT
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of

SIZES = {"norm_batch_size": [8, 64]}
WHOLE = {"norm_batch_size": [1024]}


def strength(config: TrialConfig, seed: int) -> float:
    """Batch norm at any size is as strong as a dropout rate of a quarter."""
    return seed + (0.25 if config.arm == "batch" else config.dropout)


def test_the_rate_at_equal_train_loss(tmp_path: Path) -> None:
    trials = [
        *crossed(SIZES, arm="batch"),
        *crossed(WHOLE, arm="population"),
        *crossed(WHOLE, arm="dropout-50", dropout=0.5),
    ]
    world = World(train=strength, test=strength)
    results = results_in(run_of(tmp_path, trials, world, scientific=SIZES))
    at_8, at_64 = EQUIVALENT_DROPOUT.sentences(results)
    assert at_8.startswith(
        "Batch norm at m = 8 gives the same train loss as dropout at a rate of 0.25 [0.25, 0.25] "
        "(equal noise variance predicts "
    )
    assert at_64.endswith("its test loss less that of dropout at this rate is 0 [0, 0] nats.")


def test_without_dropout_nothing_is_said(tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    assert EQUIVALENT_DROPOUT.sentences(results) == []
