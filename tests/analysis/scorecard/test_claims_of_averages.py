"""Claims about the errors of running averages, in worlds whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    CHECKS,
    Check,
    Make,
    Quantity,
    Scenario,
    ghosts,
    seedwise_of,
    verdict_on,
)
from tests.analysis.synthetic import STEPS, World, size


def tracked(columns: Callable[[float, TrialConfig, str], dict[str, float]]) -> Make:
    """Columns of the unbiased rule's errors, by layer; those of other rules are far off."""

    def world(q: Quantity) -> World:
        def rows(config: TrialConfig, seed: int, layer: str, tracker: str) -> dict[str, float]:
            unbiased = tracker.startswith("unbiased")
            return columns(q(seed), config, layer) if unbiased else {"variance_bias": 9.0}

        return World(tracked=rows)

    return world


DECAY = 0.5
LAW = sum(((1 - DECAY) * DECAY**k) ** 2 for k in range(STEPS))
"""Sum of squared weights of an average of independent batches, from its definition."""
FORGETS = {"decay": DECAY, "hidden": (8, 8)}
MOVING = {"schedule": "constant", "hidden": (8, 8), "shadow": True}
EPOCHS = {"decay": DECAY, "shadow": True, "batch_size": 512}


SCENARIOS = [
    Scenario(
        "shuffling-helps",
        ghosts(8, 64, 128, **EPOCHS),
        ghosts(64, 128, **{**EPOCHS, "batch_size": 256}),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": math.sqrt((q if size(c) > 8 else 9) * LAW / size(c))
            }
        ),
        (0.5, 1.5, (0.1, 1.6)),
    ),
    Scenario(
        "staleness-stays",
        ghosts(8, 16, 64, **MOVING),
        ghosts(8, 64, **MOVING),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": float(size(c)) ** (-1 if layer == "norm2" else 5),
                "mean_staleness": 3 * float(size(c)) ** (q - 0.25),
            }
        ),
        (0.2, -0.2, (-0.3, 0.4)),
    ),
    Scenario(
        "sampling-falls",
        ghosts(8, 16, 64, **MOVING),
        ghosts(8, 16, 64, **{**MOVING, "schedule": "cosine"}),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": float(size(c)) ** (-q if layer == "norm2" else 5),
                "mean_staleness": 1.0,
            }
        ),
        (0.5, -0.5, (-0.3, 0.4)),
    ),
    Scenario(
        "bessel-first-layer",
        ghosts(8, 64, **FORGETS),
        ghosts(8, 64, **{**FORGETS, "decay": 0.9}),
        tracked(lambda q, c, layer: {"variance_bias": q if layer == "norm1" else 1.0}),
        (0.0, 0.2, (0.4, -0.4)),
    ),
    Scenario(
        "bessel-deeper",
        ghosts(8, 64, **FORGETS),
        ghosts(8, 64, decay=DECAY),
        tracked(lambda q, c, layer: {"variance_bias": q if layer == "norm2" else -1.0}),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)


def test_a_bias_is_not_read_while_weights_move(tmp_path: Path) -> None:
    """There staleness is part of it."""
    for schedule, measured in (("cosine", True), ("constant", False)):
        trials = ghosts(8, 64, decay=0.5, hidden=(8, 8), schedule=schedule)
        s = seedwise_of(tmp_path / schedule, trials)
        for key in ("bessel-first-layer", "bessel-deeper"):
            assert (verdict_on(key, s) is not None) == measured
