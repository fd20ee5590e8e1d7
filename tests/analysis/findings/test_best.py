"""What is said about the best configuration."""

from __future__ import annotations

import math
from pathlib import Path

from caviar.analysis.findings.best import sentences
from caviar.analysis.tables.configurations.ranking import ranking
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, run_of, trial

RATES = (0.1, 0.2, 0.3)


def said(root: Path, seeds: int, diverged: float = 0.0, pending: float = 0.0) -> list[str]:
    def loss(config: TrialConfig, seed: int) -> float:
        if config.learning_rate == diverged and seed == 0:
            return math.nan
        return config.learning_rate + 0.01 * seed

    trials = [trial(norm="layer", learning_rate=rate, seeds=range(seeds)) for rate in RATES]
    run = run_of(
        root,
        trials,
        World(validation=loss, test=loss),
        status=lambda c: None if c.learning_rate == pending else "completed",
    )
    return sentences(run, ranking(run))


def test_the_winner_and_the_curse_with_enough_seeds(tmp_path: Path) -> None:
    winner, curse = said(tmp_path, 9)
    best = trial(norm="layer", learning_rate=0.1, seeds=range(9)).trial_id
    assert winner.startswith(
        f"Of 3 configurations, trial {best} is best by validation loss: 0.14 ["
    )
    assert winner.endswith("Its test loss is 0.14 nats and its test accuracy 90.0 %.")
    # The other six seeds have 0.1 + 0.01 times 3 to 8.
    assert "choose the same trial, whose validation loss at the other seeds is 0.155 [" in curse


def test_too_few_seeds_are_named(tmp_path: Path) -> None:
    _, four = said(tmp_path, 4)
    assert (
        "at the other seeds is 0.12. These are too few seeds for an interval, which needs 5" in four
    )
    _, one = said(tmp_path, 1)
    assert "With one seed nothing is left to estimate it on again" in one


def test_what_diverged_and_what_is_missing_are_facts(tmp_path: Path) -> None:
    *_, diverged, missing = said(tmp_path, 6, diverged=0.1, pending=0.2)
    assert diverged.startswith("1 of them has seeds that diverged, and comes last")
    assert missing == "1 trial has not finished, and is not ranked."
