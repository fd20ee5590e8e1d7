"""Claims about what imitates batch noise, in worlds whose truth is known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    CHECKS,
    POPULATION,
    Check,
    N,
    Quantity,
    Scenario,
    arm,
)
from tests.analysis.scorecard.test_claims_of_alternatives import by_arm, other
from tests.analysis.synthetic import World, size

NORMAL = {"norm": "shift-and-scale-noise", "noise_shared": "ghost"}


def best_of_noise(q: Quantity) -> World:
    """Batch norm is best at 16, injected noise at 16 * 2^q."""

    def loss(config: TrialConfig, seed: int) -> float:
        best = 4 + (q(seed) if config.arm == "noise" else 0)
        return 0.1 + abs(math.log2(size(config)) - best)

    return World(test=loss)


def against(name: str) -> Scenario:
    """Batch norm is best at 64, and the noise q below it."""
    fields = {"normal": NORMAL, "ghost": {"norm": "ghost-noise"}}[name]
    wrong = {**NORMAL, "noise_shared": "example"}
    return Scenario(
        f"{name}-noise-better",
        other("noise", 8, 64, **fields),
        other("noise", 8, 64, **wrong),
        by_arm(lambda q, arm, m: 0.5 - (q if arm == "noise" else 0) + (m == 8) * 2),
    )


SCENARIOS = [
    against("normal"),
    against("ghost"),
    Scenario(
        "noise-optimum",
        other("noise", 4, 8, 16, 32, 64, norm="ghost-noise"),
        arm("batch", 4, 8, 16, 32, 64),
        best_of_noise,
        (-1.0, 1.0, (-2.0, 2.0)),
        exact=False,
    ),
    Scenario(
        "gamma-decay-closes-gap",
        [
            *arm("batch", 8, 64),
            *POPULATION,
            *arm("weak", N, gamma_decay=0.001),
            *arm("decay", N, gamma_decay=0.01),
        ],
        [*arm("batch", 8, 64), *POPULATION],
        by_arm(
            lambda q, arm, m: (
                0.3 if m == 8 else {"batch": 0.9, "population": 0.5, "weak": 0.8}.get(arm, 0.4 - q)
            )
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)
