"""Claims about the statistics that networks are read with, in worlds whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.scorecard.scenarios import (
    CHECKS,
    EQUAL,
    Check,
    Quantity,
    Scenario,
    ghosts,
)
from tests.analysis.synthetic import World, size


def running_less_precise(q: Quantity) -> World:
    """Precise statistics cost 0.2, running averages q more."""
    return World(
        precise=lambda config, seed: 0.2, damage=lambda config, seed, tracker: 0.2 + q(seed)
    )


def running_less_evalnorm(q: Quantity) -> World:
    """EvalNorm costs 0.2, running averages q more at 8 and 0.7 more at 64."""
    return World(
        evalnorm=lambda config, seed: 0.2,
        damage=lambda config, seed, tracker: 0.2 + (q(seed) if size(config) == 8 else 0.7),
    )


SCENARIOS = [
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
    Scenario("evalnorm-helps", ghosts(8, 64), ghosts(16, 64), running_less_evalnorm),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)
