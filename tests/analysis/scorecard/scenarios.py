"""Invented runs in which the quantity that decides a claim is known, seed by seed, and what a
verdict must be in them.

Each scenario writes the quantity q(seed) into what trials measure, by the definition that the
claim states, and everything else of the claim so that it holds by far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.seedwise import Seedwise, seedwise
from caviar.analysis.scorecard.verdicts import Verdict, verdict_on
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size

Quantity = Callable[[int], float]
Make = Callable[[Quantity], World]

N = 1024
SIZES = "norm_batch_size"
ABOVE = (0.05, -0.05, (-0.3, 0.4))
BELOW = (-0.05, 0.05, (0.3, -0.4))
EQUAL = (0.0, 0.05, (0.1, -0.1))


@dataclass(frozen=True)
class Scenario:
    """A claim's key, trials with its data, trials without, and the world for a quantity.

    `values` are the quantity where the claim holds, where it does not, and two that seeds take
    in turn where nothing can be told.
    """

    key: str
    trials: list[TrialConfig]
    without: list[TrialConfig]
    world: Make
    values: tuple[float, float, tuple[float, float]] = ABOVE
    part: str = ""
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.key} {self.part}".strip()


def ghosts(*sizes: int, **fields: Any) -> list[TrialConfig]:
    return crossed({SIZES: list(sizes)}, seeds=range(8), **fields)


def arm(name: str, *sizes: int, **fields: Any) -> list[TrialConfig]:
    return ghosts(*sizes, arm=name, **fields)


def updates(*sizes: int, **fields: Any) -> list[TrialConfig]:
    return crossed({"batch_size": list(sizes)}, seeds=range(8), **fields)


POPULATION = arm("population", N)
LARGE = {"probe_batch_sizes": (64, 128, 256)}


def axes_of(trials: list[TrialConfig]) -> dict[str, list[int]]:
    """What such a study would cross: the sizes that its first arm has several of."""
    of_first_arm = [trial for trial in trials if trial.arm == trials[0].arm]
    sizes = {
        name: sorted({int(getattr(trial, name)) for trial in of_first_arm})
        for name in ("norm_batch_size", "batch_size")
    }
    together = all(trial.norm_batch_size == trial.batch_size for trial in of_first_arm)
    kept = ["batch_size"] if together else list(sizes)
    return {name: sizes[name] for name in kept if len(sizes[name]) > 1}


def measured(root: Path, trials: list[TrialConfig], world: World | None = None) -> Seedwise | None:
    run = run_of(root, trials, world, scientific=axes_of(trials))
    return seedwise(compared(run))


def seedwise_of(root: Path, trials: list[TrialConfig], world: World | None = None) -> Seedwise:
    """The same where the trials have what it takes."""
    one = measured(root, trials, world)
    assert one is not None
    return one


def by_size(losses: Callable[[Quantity, int], dict[int, float]]) -> Make:
    """A world whose test loss depends on the size alone."""
    return lambda q: World(test=lambda config, seed: losses(q, seed)[size(config)])


def of_network(columns: Callable[[float, TrialConfig, int], dict[str, float]]) -> Make:
    """A world whose noise rows of the network depend on the quantity and the probed size."""
    return lambda q: World(network=lambda config, seed, m: columns(q(seed), config, m))


CLAIM = {claim.key: claim for claim in CLAIMS}


def decide(root: Path, scenario: Scenario, q: Quantity) -> Verdict:
    verdict = verdict_on(CLAIM[scenario.key], seedwise_of(root, scenario.trials, scenario.world(q)))
    assert verdict is not None
    return verdict


def quantity(scenario: Scenario, value: float) -> Quantity:
    """The value, and where the mean over seeds is that of the quantity, a little spread."""
    return lambda seed: value + (math.sin(3.0 * seed) * 1e-3 if scenario.exact else 0)


def mean_of(q: Quantity) -> float:
    return sum(q(seed) for seed in range(8)) / 8


def confirmed_where_it_holds(root: Path, scenario: Scenario) -> None:
    q = quantity(scenario, scenario.values[0])
    verdict = decide(root, scenario, q)
    assert verdict.verdict == "confirmed"
    assert verdict.effect == pytest.approx(mean_of(q), abs=1e-5)
    assert (verdict.seeds, verdict.left_out) == (8, 0)


def refuted_where_it_does_not(root: Path, scenario: Scenario) -> None:
    q = quantity(scenario, scenario.values[1])
    verdict = decide(root, scenario, q)
    assert verdict.verdict == "refuted"
    assert verdict.effect == pytest.approx(mean_of(q), abs=1e-5)
    low, high = CLAIM[scenario.key].region
    assert verdict.high < low or verdict.low > high


def undecided_where_seeds_disagree(root: Path, scenario: Scenario) -> None:
    verdict = decide(root, scenario, lambda seed: scenario.values[2][seed % 2])
    assert verdict.verdict == "inconclusive"
    low, high = CLAIM[scenario.key].region
    assert verdict.low < high and verdict.high > low
    assert verdict.low <= low or verdict.high >= high


def no_row_without_the_data(root: Path, scenario: Scenario) -> None:
    without = measured(root, scenario.without)
    assert without is None or verdict_on(CLAIM[scenario.key], without) is None


Check = Callable[[Path, Scenario], None]
CHECKS: list[Check] = [
    confirmed_where_it_holds,
    refuted_where_it_does_not,
    undecided_where_seeds_disagree,
    no_row_without_the_data,
]
