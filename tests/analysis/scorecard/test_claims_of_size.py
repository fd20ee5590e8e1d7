"""Claims about losses against batch size, in worlds whose truth is known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.analysis.scorecard.verdicts import scorecard, verdict_on
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    BELOW,
    CHECKS,
    CLAIM,
    EQUAL,
    Check,
    N,
    Quantity,
    Scenario,
    by_size,
    ghosts,
    seedwise_of,
    updates,
)
from tests.analysis.synthetic import World, compared, run_of, size


def noise_raises_train_loss(q: Quantity) -> World:
    """Best at 8 by test loss; there the train loss is above the population's by q."""
    tests = {8: 0.1, 64: 0.6, N: 0.6}
    return World(
        train=lambda config, seed: 0.05 + (q(seed) if size(config) == 8 else 0),
        test=lambda config, seed: tests[size(config)],
    )


def noise_lowers_test_loss(q: Quantity) -> World:
    """Best noisy size 8; population statistics are worse by q."""

    def loss(config: TrialConfig, seed: int) -> float:
        return {8: 0.2, 64: 0.9, N: 0.2 + q(seed)}[size(config)]

    return World(train=lambda config, seed: 0.9 if size(config) == 8 else 0.05, test=loss)


def running_less_precise(q: Quantity) -> World:
    """Precise statistics cost 0.2, running averages q more."""
    return World(
        precise=lambda config, seed: 0.2, damage=lambda config, seed, tracker: 0.2 + q(seed)
    )


SCENARIOS = [
    Scenario(
        "noise-regularises", ghosts(8, 64, N), ghosts(8, 64), noise_raises_train_loss, part="train"
    ),
    Scenario(
        "noise-regularises", ghosts(8, 64, N), ghosts(8, 64), noise_lowers_test_loss, part="test"
    ),
    Scenario(
        "u-shaped",
        ghosts(8, 64, 256),
        ghosts(8, 256),
        by_size(lambda q, seed: {8: 0.9, 64: 0.2, 256: 0.2 + q(seed)}),
        part="right",
    ),
    Scenario(
        "u-shaped",
        ghosts(8, 32, 64, 256),
        [*ghosts(8, 64, 256, batch_size=256), *ghosts(8, 64, 256, batch_size=512)],
        by_size(lambda q, seed: {8: 0.2 + q(seed), 32: 1.2, 64: 0.2, 256: 0.9}),
        part="left",
    ),
    Scenario(
        "precise-while-moving",
        ghosts(8, 64, schedule="constant"),
        ghosts(8, 64, schedule="cosine"),
        running_less_precise,
    ),
    Scenario(
        "precise-equal-at-end",
        ghosts(16, 64, schedule="cosine"),
        ghosts(16, 64, schedule="constant"),
        running_less_precise,
        EQUAL,
    ),
    Scenario(
        "small-batch-best",
        updates(16, 32, 64, 256),
        ghosts(16, 64, 256),
        by_size(lambda q, seed: {16: 0.9, 32: 0.2, 64: 0.2 + q(seed), 256: 0.9}),
    ),
    Scenario(
        "large-batch-harmless",
        updates(64, 128, 256, norm_batch_size=64, rates=(0.1, 0.2)),
        updates(64, 128, 256, norm_batch_size=64),
        lambda q: World(
            test=lambda config, seed: {64: 0.5, 128: 0.1, 256: 0.5 + q(seed)}[config.batch_size]
        ),
        BELOW,
    ),
    Scenario(
        "small-batch-at-equal-steps",
        updates(64, 128, 512, norm_batch_size=64, rates=(0.1, 0.2)),
        updates(64, 128, 512, rates=(0.1, 0.2)),
        lambda q: World(test=lambda config, seed: 2 + q(seed) * math.log2(config.batch_size / 64)),
    ),
    Scenario(
        "ghosts-help-medium",
        ghosts(8, 32, 256),
        ghosts(8, 32, 128),
        by_size(lambda q, seed: {8: 0.2, 32: 0.9, 256: 0.2 + q(seed)}),
    ),
    Scenario(
        "small-underfits",
        ghosts(8, 64, 256),
        updates(64, 256, norm_batch_size=64),
        lambda q: World(
            train=lambda config, seed: {8: 0.3 + q(seed), 64: 5.0, 256: 0.3}[size(config)]
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)


def test_batches_that_differ_in_steps_are_not_compared_at_equal_steps(tmp_path: Path) -> None:
    trials = updates(64, 128, 512, norm_batch_size=64, rates=(0.1, 0.2))
    longer = [t.model_copy(update={"steps": t.steps * 512 // t.batch_size}) for t in trials]
    for key in ("small-batch-at-equal-steps", "large-batch-harmless"):
        assert verdict_on(CLAIM[key], seedwise_of(tmp_path / key / "equal", trials)) is not None
        assert verdict_on(CLAIM[key], seedwise_of(tmp_path / key / "other", longer)) is None


def test_sizes_are_not_compared_where_the_batch_of_an_update_is_drawn(tmp_path: Path) -> None:
    fixed, drawn = ghosts(8, 64, 256), ghosts(8, 64, 256, batch_size=512)
    both = [*fixed, *(trial.model_copy(update={"draw": 1}) for trial in drawn)]
    run = run_of(tmp_path / "both", both, scientific={"norm_batch_size": [8, 64, 256]})
    assert CLAIM["u-shaped"].text not in set(scorecard(compared(run))["claim"])
    assert verdict_on(CLAIM["u-shaped"], seedwise_of(tmp_path / "fixed", fixed)) is not None
