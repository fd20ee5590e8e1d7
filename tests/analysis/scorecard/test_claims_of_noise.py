"""Claims about noise at frozen weights, in worlds whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.analysis.scorecard.verdicts import NO_PREMISE, NOT_DECIDED, OPPOSITE
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    CHECKS,
    LARGE,
    Check,
    Make,
    Scenario,
    decide,
    ghosts,
    of_network,
    quantity,
)
from tests.analysis.synthetic import size


def partitions(share: Callable[[float, int], float]) -> Make:
    """Shares of a gradient variance of 2, at the size trained with."""

    def columns(q: float, config: TrialConfig, m: int) -> dict[str, float]:
        return {"partition_variance": 2 * share(q, size(config))} if m == size(config) else {}

    return of_network(columns)


SCENARIOS = [
    Scenario(
        "self-influence-share",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 32)),
        of_network(lambda q, config, m: {"noise_penalty": 2.0, "self_influence": 2 * q}),
        (0.2, 0.05, (-0.3, 0.5)),
    ),
    Scenario(
        "self-influence-predicted",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 32)),
        of_network(lambda q, c, m: {"self_influence": 4 * q, "predicted_self_influence": 4.0}),
        (1.0, 1.6, (0.2, 1.8)),
    ),
    Scenario(
        "adaptation",
        ghosts(8, 64, 256),
        ghosts(8, 64, 256, probe_batch_sizes=(16, 64)),
        of_network(
            lambda q, config, m: {
                "noise_penalty": 1 + (q if size(config) == 256 else 0) + (size(config) == 64)
            }
        ),
    ),
    Scenario(
        "partition-share-falls",
        ghosts(8, 16, 32, probe_batch_sizes=(8, 16, 32)),
        ghosts(8, 256, probe_batch_sizes=(8, 256)),
        partitions(lambda q, m: {8: 0.95, 16: 0.5, 32: 0.5 - q}[m]),
        (0.05, -0.05, (-0.3, 0.35)),
        alone=False,
    ),
    Scenario(
        "partition-share-at-16",
        ghosts(8, 16, probe_batch_sizes=(8, 16)),
        ghosts(8, 16, probe_batch_sizes=(8, 16), batch_size=512),
        partitions(lambda q, m: q if m == 16 else 0.9),
        (0.44, 0.8, (0.1, 0.8)),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)


def test_shares_above_one_decide_nothing(tmp_path: Path) -> None:
    """A share is a part of the whole: 1.1 says that too few partitions were drawn."""
    at_16 = next(scenario for scenario in SCENARIOS if str(scenario) == "partition-share-at-16")
    assert decide(tmp_path / "part", at_16, quantity(at_16, 0.8)).verdict == OPPOSITE
    above = decide(tmp_path / "above", at_16, quantity(at_16, 1.1))
    assert (above.verdict, above.why) == (NOT_DECIDED, NO_PREMISE)
