"""Claims about what takes the place of batch norm or mends it, in worlds whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    CHECKS,
    Check,
    Make,
    Quantity,
    Scenario,
    arm,
)
from tests.analysis.synthetic import World, size


def by_arm(losses: Callable[[float, str, int], float]) -> Make:
    """A world whose test loss hangs on the quantity, arm and size."""
    return lambda q: World(test=lambda config, seed: losses(q(seed), config.arm, size(config)))


def other(name: str, *sizes: int, **fields: Any) -> list[TrialConfig]:
    """Batch norm at these sizes, and an arm at the same."""
    return [*arm("batch", *sizes), *arm(name, *sizes, **fields)]


def read_with_own_averages(losses: Callable[[float, str], float]) -> Make:
    """A world in which running averages read other losses than population statistics, and those of
    the variance are wrong for renormalisation."""

    def damage(q: Quantity, config: TrialConfig, seed: int, tracker: str) -> float:
        wrong = config.norm == "renorm" and tracker != "own"
        return 9.0 if wrong else losses(q(seed), config.arm)

    return lambda q: World(test=lambda config, seed: 0.0, damage=partial(damage, q))


GROUP = [*arm("batch", 8, 64), *arm("group", 256, norm="group", norm_groups=2)]
LAYER = [*arm("batch", 8, 64), *arm("layer", 256, norm="layer")]
NARROW = arm("r2", 4, norm="renorm", renorm_r_max=1.5)
SORTED = {"ghosts": "class-sorted"}

SCENARIOS = [
    Scenario(
        "group-norm-small",
        GROUP,
        LAYER,
        by_arm(lambda q, arm, m: {8: 0.5 + q, 64: 0.1, 256: 0.5}[m]),
    ),
    Scenario(
        "group-norm-typical",
        GROUP,
        [*arm("batch", 8, 32), *arm("group", 256, norm="group", norm_groups=2)],
        by_arm(lambda q, arm, m: {8: 0.9, 64: 0.5, 256: 0.5 + q}[m]),
        (0.0, 0.06, (0.1, -0.1)),
    ),
    Scenario(
        "layer-norm-small",
        LAYER,
        GROUP,
        by_arm(lambda q, arm, m: {8: 0.5 + q, 64: 0.1, 256: 0.5}[m]),
    ),
    Scenario(
        "renorm-helps-small",
        [*arm("batch", 4, 64), *arm("r1", 4, norm="renorm"), *NARROW],
        [*arm("batch", 4, 64), *arm("renorm", 64, norm="renorm")],
        read_with_own_averages(lambda q, arm: {"batch": 0.5, "r1": 0.9, "r2": 0.5 - q}[arm]),
    ),
    Scenario(
        "renorm-helps-sorted",
        [
            *arm("batch", 16, 64),
            *arm("sorted", 16, **SORTED),
            *arm("renorm", 16, norm="renorm", **SORTED),
        ],
        [*arm("batch", 16, 64), *arm("sorted", 16, **SORTED), *arm("renorm", 16, norm="renorm")],
        read_with_own_averages(lambda q, arm: 0.5 - (q if arm == "renorm" else 0)),
    ),
    Scenario(
        "sorted-ghosts-hurt",
        other("sorted", 8, 32, **SORTED),
        other("sorted", 8, 32, ghosts="stratified"),
        by_arm(lambda q, arm, m: 0.5 + (q if arm == "sorted" else 0)),
    ),
    Scenario(
        "leave-one-out-helps",
        other("loo", 8, 16, norm="leave-one-out"),
        [*arm("batch", 8, 16), *arm("loo", 8, norm="leave-one-out")],
        by_arm(lambda q, arm, m: (0.5 if arm == "batch" else 0.5 - q) if m == 16 else 0.5),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)
