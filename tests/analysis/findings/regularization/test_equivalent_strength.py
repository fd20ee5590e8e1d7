"""What is said of regularisers as strong as batch norm's noise."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.findings.regularization.equivalent_strength import (
    EQUIVALENT_STRENGTH,
    WEIGHT_DECAY,
)
from caviar.analysis.number_format import MINUS
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [8, 64]}
WHOLE = {"norm_batch_size": [1024]}


def strength(config: TrialConfig, seed: int) -> float:
    """Batch norm at 8 is as strong as a dropout rate of a quarter, or a weight decay of 2."""
    if config.arm == "batch":
        return seed + {8: 0.25, 64: 0.05}[size(config)]
    return seed + config.dropout + config.weight_decay / 8


def best_at_8(config: TrialConfig, seed: int) -> float:
    """Test loss falls with the strength, up to 0.5: weight decay's best is the largest tried."""
    return 10 + seed - min(strength(config, 0), 0.5)


def test_each_regulariser_against_the_best_size(tmp_path: Path) -> None:
    trials = [
        *crossed(SIZES, arm="batch"),
        *crossed(WHOLE, arm="population"),
        *crossed(WHOLE, arm="dropout-50", dropout=0.5),
        *crossed(WHOLE, arm="dropout-80", dropout=0.8),
        *crossed(WHOLE, arm="decay-1", weight_decay=1.0),
        *crossed(WHOLE, arm="gamma-1", gamma_decay=1.0),
    ]
    world = World(train=strength, test=best_at_8)
    results = results_in(run_of(tmp_path, trials, world, scientific=SIZES))
    dropout, gamma, weights, note = EQUIVALENT_STRENGTH.sentences(results)
    assert dropout.startswith(
        "Dropout reaches the train loss of batch norm at m = 8 at a rate of 0.25 [0.25, 0.25]; "
        "equal noise variance predicts "
    )
    assert dropout.endswith(
        ". Against that, batch norm changes test loss by 0 [0, 0] nats. Against dropout at its "
        "best rate, 0.5, batch norm at m = 8 changes test loss by +0.25 [0.25, 0.25] nats."
    )
    assert gamma == (
        "No strength of gamma decay that was tried reaches the train loss of batch norm at m = 8. "
        "No strength of gamma decay that was tried lowers test loss; against none, batch norm at "
        f"m = 8 changes it by {MINUS}0.25 [{MINUS}0.25, {MINUS}0.25] nats."
    )
    assert weights == (
        "No strength of weight decay that was tried reaches the train loss of batch norm at m = 8. "
        "Against weight decay at its best strength, 1, batch norm at m = 8 changes test loss by "
        f"{MINUS}0.125 [{MINUS}0.125, {MINUS}0.125] nats. That strength is the largest tried, so a "
        "larger one may be better."
    )
    assert note == WEIGHT_DECAY


def test_without_explicit_regularisers_nothing_is_said(tmp_path: Path) -> None:
    results = results_in(run_of(tmp_path, crossed(SIZES, seeds=(0,)), scientific=SIZES))
    assert EQUIVALENT_STRENGTH.sentences(results) == []
