"""Runs in which claims about losses against size, and about arms, have a known truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from caviar.runner.config import TrialConfig
from tests.analysis.claim_scenarios import BELOW, Make, N, Quantity, Scenario, arm, ghosts, updates
from tests.analysis.synthetic import World, size


def by_size(losses: Callable[[Quantity, int], dict[int, float]], what: str = "test") -> Make:
    """A world whose loss hangs on the size alone."""

    def world(q: Quantity) -> World:
        def loss(config: TrialConfig, seed: int) -> float:
            return losses(q, seed)[size(config)]

        return World(**{what: loss})

    return world


def by_arm(losses: Callable[[float, str, int], float]) -> Make:
    """A world whose test loss hangs on the quantity, arm and size."""
    return lambda q: World(test=lambda config, seed: losses(q(seed), config.arm, size(config)))


def train_of_noise(q: Quantity) -> World:
    """Best at 8 by test loss; there the train loss is above the population's by q."""
    tests = {8: 0.1, 64: 0.6, N: 0.6}
    return World(
        train=lambda config, seed: 0.05 + (q(seed) if size(config) == 8 else 0),
        test=lambda config, seed: tests[size(config)],
    )


def test_of_noise(q: Quantity) -> World:
    """Best noisy size 8; population statistics are worse by q."""

    def loss(config: TrialConfig, seed: int) -> float:
        return {8: 0.2, 64: 0.9, N: 0.2 + q(seed)}[size(config)]

    return World(train=lambda config, seed: 0.9 if size(config) == 8 else 0.05, test=loss)


OF_SIZE = [
    Scenario("noise-regularises", ghosts(8, 64, N), ghosts(8, 64), train_of_noise, part="train"),
    Scenario("noise-regularises", ghosts(8, 64, N), ghosts(8, 64), test_of_noise, part="test"),
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
        "ghosts-help-medium",
        ghosts(8, 32, 256),
        ghosts(8, 32, 128),
        by_size(lambda q, seed: {8: 0.2, 32: 0.9, 256: 0.2 + q(seed)}),
    ),
    Scenario(
        "small-underfits",
        ghosts(8, 64, 256),
        updates(64, 256, norm_batch_size=64),
        by_size(lambda q, seed: {8: 0.3 + q(seed), 64: 5.0, 256: 0.3}, what="train"),
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
]


def batch(*sizes: int) -> list[TrialConfig]:
    return arm("batch", *sizes)


def other(name: str, *sizes: int, **fields: Any) -> list[TrialConfig]:
    """Batch norm at these sizes, and an arm at the same."""
    return [*batch(*sizes), *arm(name, *sizes, **fields)]


LAYER = [*batch(8, 32), *arm("layer", 256, norm="layer")]
NOISE = {"norm": "shift-and-scale-noise", "noise_shared": "ghost"}
POPULATION = arm("population", N)
DROPOUTS = [t for p in (0.1, 0.2, 0.4) for t in arm(f"dropout-{p}", N, dropout=p)]
RATES = {m: (1.5 / m) / (1 + 1.5 / m) for m in (16, 64)}


def best_of_noise(q: Quantity) -> World:
    """Batch norm is best at 16, injected noise at 16 * 2^q."""

    def loss(config: TrialConfig, seed: int) -> float:
        best = 4 + (q(seed) if config.arm == "noise" else 0)
        return 0.1 + abs(math.log2(size(config)) - best)

    return World(test=loss)


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


OF_ARMS = [
    Scenario(
        "layer-norm-crosses",
        LAYER,
        batch(8, 32),
        by_arm(lambda q, arm, m: {8: 0.5 + q, 32: 0.1, 256: 0.5}[m]),
        part="smallest",
    ),
    Scenario(
        "layer-norm-crosses",
        LAYER,
        [*batch(8, 64), *arm("layer", 256, norm="layer")],
        by_arm(lambda q, arm, m: {8: 0.9, 32: 0.5 - q, 256: 0.5}[m]),
        part="medium",
    ),
    Scenario(
        "renorm-closes-gap",
        other("renorm", 4, 64, norm="renorm"),
        other("renorm", 4, 32, norm="renorm"),
        by_arm(lambda q, arm, m: (0.4 if arm == "batch" else 0.3 - q) if m == 4 else 0.2),
    ),
    Scenario(
        "sorted-ghosts-hurt",
        other("sorted", 8, 32, ghosts="class-sorted"),
        other("sorted", 8, 32, ghosts="stratified"),
        by_arm(lambda q, arm, m: 0.5 + (q if arm == "sorted" else 0)),
    ),
    Scenario(
        "leave-one-out-helps",
        other("loo", 8, 32, norm="leave-one-out"),
        other("loo", 16, 32, norm="leave-one-out"),
        by_arm(lambda q, arm, m: (0.5 if arm == "batch" else 0.5 - q) if m == 8 else 0.5),
    ),
    Scenario(
        "injected-noise-as-good",
        other("noise", 8, 64, **NOISE),
        other("noise", 8, 64, **{**NOISE, "noise_shared": "example"}),
        by_arm(lambda q, arm, m: 0.5 + (q if arm == "noise" else 0) + (m == 8) * 2),
        BELOW,
    ),
    Scenario(
        "injected-noise-optimum",
        other("noise", 4, 8, 16, 32, 64, **NOISE),
        batch(4, 8, 16, 32, 64),
        best_of_noise,
        (-1.0, 1.0, (-2.0, 2.0)),
        exact=False,
    ),
    Scenario(
        "gamma-decay-closes-gap",
        [*batch(8, 64), *POPULATION, *arm("decay", N, gamma_decay=0.01)],
        [*batch(8, 64), *POPULATION],
        by_arm(
            lambda q, arm, m: 0.3 if m == 8 else {"batch": 0.9, "population": 0.5}.get(arm, 0.4 - q)
        ),
    ),
    Scenario(
        "dropout-strength",
        [*batch(16, 64), *POPULATION, *DROPOUTS],
        [*batch(16, 64), *POPULATION, *DROPOUTS[:1]],
        strength_of_dropout,
        (0.0, 1.5, (2.0, -1.9)),
    ),
    Scenario(
        "better-than-dropout",
        [*batch(16, 64), *POPULATION, *DROPOUTS],
        [*batch(16, 64), *DROPOUTS],
        better_than_dropout,
    ),
]
