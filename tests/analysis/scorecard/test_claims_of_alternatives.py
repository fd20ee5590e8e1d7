"""Claims about what takes the place of batch norm or mends it, in worlds whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    BELOW,
    CHECKS,
    POPULATION,
    Check,
    Make,
    N,
    Quantity,
    Scenario,
    arm,
    ghosts,
)
from tests.analysis.synthetic import World, size


def by_arm(losses: Callable[[float, str, int], float]) -> Make:
    """A world whose test loss hangs on the quantity, arm and size."""
    return lambda q: World(test=lambda config, seed: losses(q(seed), config.arm, size(config)))


def other(name: str, *sizes: int, **fields: Any) -> list[TrialConfig]:
    """Batch norm at these sizes, and an arm at the same."""
    return [*arm("batch", *sizes), *arm(name, *sizes, **fields)]


LAYER = [*arm("batch", 8, 32), *arm("layer", 256, norm="layer")]
NOISE = {"norm": "shift-and-scale-noise", "noise_shared": "ghost"}


def best_of_noise(q: Quantity) -> World:
    """Batch norm is best at 16, injected noise at 16 * 2^q."""

    def loss(config: TrialConfig, seed: int) -> float:
        best = 4 + (q(seed) if config.arm == "noise" else 0)
        return 0.1 + abs(math.log2(size(config)) - best)

    return World(test=loss)


SCENARIOS = [
    Scenario(
        "layer-norm-crosses",
        LAYER,
        arm("batch", 8, 32),
        by_arm(lambda q, arm, m: {8: 0.5 + q, 32: 0.1, 256: 0.5}[m]),
        part="smallest",
    ),
    Scenario(
        "layer-norm-crosses",
        LAYER,
        [*arm("batch", 8, 64), *arm("layer", 256, norm="layer")],
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
        arm("batch", 4, 8, 16, 32, 64),
        best_of_noise,
        (-1.0, 1.0, (-2.0, 2.0)),
        exact=False,
    ),
    Scenario(
        "gamma-decay-closes-gap",
        [*arm("batch", 8, 64), *POPULATION, *arm("decay", N, gamma_decay=0.01)],
        [*arm("batch", 8, 64), *POPULATION],
        by_arm(
            lambda q, arm, m: 0.3 if m == 8 else {"batch": 0.9, "population": 0.5}.get(arm, 0.4 - q)
        ),
    ),
    Scenario(
        "evalnorm-helps",
        ghosts(8, 64),
        ghosts(16, 64),
        lambda q: World(
            damage=lambda config, seed, tracker: 0.3 if tracker == "unbiased/0.9" else 2.0,
            evalnorm=lambda config, seed: 0.3 - q(seed) if size(config) == 8 else 0.7,
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)
