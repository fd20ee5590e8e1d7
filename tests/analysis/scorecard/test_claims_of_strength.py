"""Claims about how strongly batch noise regularises, in worlds whose truth is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caviar.analysis.scorecard.claims_of_strength import crossing, matched, pseudo_slopes
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    CHECKS,
    LARGE,
    POPULATION,
    Check,
    N,
    Quantity,
    Scenario,
    arm,
    ghosts,
    of_network,
    seedwise_of,
    verdict_on,
)
from tests.analysis.synthetic import World, size

DROPOUTS = [t for p in (0.1, 0.2, 0.4, 0.9) for t in arm(f"dropout-{p}", N, dropout=p)]
RATES = {m: (1.5 / m) / (1 + 1.5 / m) for m in (4, 64)}


def strength_of_dropout(q: Quantity) -> World:
    """Dropout p leaves a train loss of 0.1 + p; batch norm that of 2^q times the predicted p."""

    def train(config: TrialConfig, seed: int) -> float:
        if config.arm == "batch":
            return 0.1 + RATES[size(config)] * 2 ** q(seed)
        return 0.1 + config.dropout

    return World(train=train)


def better_than_dropout(q: Quantity) -> World:
    """Train losses meet at p = 0.15, where dropout has a test loss of 0.65."""

    def test(config: TrialConfig, seed: int) -> float:
        return 0.65 - q(seed) if config.arm == "batch" else 0.5 + config.dropout

    def train(config: TrialConfig, seed: int) -> float:
        return 0.25 if config.arm == "batch" else 0.1 + config.dropout

    return World(train=train, test=test)


SCENARIOS = [
    Scenario(
        "penalty-exponent",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 16, 64, 128)),
        of_network(lambda q, config, m: {"noise_penalty": 3 * ((1 / m - 1 / N) * 150) ** q}),
        (1.0, 1.5, (0.4, 1.6)),
        exact=False,
    ),
    Scenario(
        "dropout-strength",
        [*arm("batch", 4, 64), *POPULATION, *DROPOUTS],
        [*arm("batch", 4, 64), *POPULATION, *DROPOUTS[:1]],
        strength_of_dropout,
        (0.0, 1.5, (1.6, -1.9)),
    ),
    Scenario(
        "better-than-dropout",
        [*arm("batch", 4, 64), *POPULATION, *DROPOUTS],
        [*arm("batch", 4, 64), *DROPOUTS],
        better_than_dropout,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)


def test_dropout_is_not_compared_without_the_rate_of_zero(tmp_path: Path) -> None:
    """Else a crossing below the smallest rate would be missed."""
    world = better_than_dropout(lambda seed: 0.05 + 1e-3 * seed)
    whole = [*arm("batch", 4, 64), *POPULATION, *DROPOUTS]
    key = "better-than-dropout"
    assert verdict_on(key, seedwise_of(tmp_path / "whole", whole, world)) is not None
    without = [*arm("batch", 4, 64), *DROPOUTS]
    assert verdict_on(key, seedwise_of(tmp_path / "without", without, world)) is None


def test_dropout_is_matched_at_the_rate_of_batch_norm(tmp_path: Path) -> None:
    """Dropout chooses the first rate, batch norm the second, at which train loss is lower by 1."""
    trials = [
        *arm("batch", 4, 64, rates=(0.1, 0.2)),
        *arm("population", N, rates=(0.1, 0.2)),
        *arm("dropout-10", N, dropout=0.1, rates=(0.1, 0.2)),
        *arm("dropout-20", N, dropout=0.2, rates=(0.1, 0.2)),
    ]
    world = World(
        validation=lambda config, seed: float((config.arm == "batch") == (config.draw == 0)),
        train=lambda config, seed: (
            1.15 - config.draw if config.arm == "batch" else (1 - config.draw + config.dropout)
        ),
        test=lambda config, seed: config.dropout - 2 * config.draw,
    )
    rate, loss = matched(seedwise_of(tmp_path, trials, world), 4)
    assert rate == pytest.approx([0.15] * 6) and loss == pytest.approx([0.15 - 2] * 6)


def test_pseudo_values_are_those_of_the_definition() -> None:
    x = np.log([1 / 64, 1 / 128, 1 / 256])
    penalties = np.exp(x) * np.random.default_rng(5).uniform(0.5, 2, (6, 3))

    def fit(rows: Any) -> float:
        return float(stats.linregress(x, np.log(rows.mean(axis=0))).slope)

    expected = [6 * fit(penalties) - 5 * fit(np.delete(penalties, i, axis=0)) for i in range(6)]
    assert pseudo_slopes(x, penalties) == pytest.approx(expected)
    gap = np.vstack([penalties, [1.0, math.nan, 1.0]])
    assert pseudo_slopes(x, gap)[:6] == pytest.approx(expected)
    assert math.isnan(pseudo_slopes(x, gap)[6])
    assert np.isnan(pseudo_slopes(x, penalties - [0, 0, 1])).all()
    assert np.isnan(pseudo_slopes(x, penalties[:1])).all()


def test_where_a_path_rises_through_a_target() -> None:
    path = np.array([[0.5, 0.3, 0.7, 0.4, 0.9]] * 5)
    targets = np.array([0.4, 0.3, 0.7, 0.1, 0.9])
    positions = crossing(path, targets)
    assert positions[:3] == pytest.approx([1.25, 1.0, 3.6])
    assert np.isnan(positions[3:]).all()
