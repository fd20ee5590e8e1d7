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
from caviar.analysis.scorecard.verdicts import NOT_DECIDED, OPPOSITE, SEEN, Verdict, verdict
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
    in turn where nothing can be told. Where the quantity is not `alone`, other places hold the
    claim, so that the opposite at one decides nothing.
    """

    key: str
    trials: list[TrialConfig]
    without: list[TrialConfig]
    world: Make
    values: tuple[float, float, tuple[float, float]] = ABOVE
    part: str = ""
    exact: bool = True
    alone: bool = True

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
DECIDING = range(2, 8)
"""Of eight seeds the first two choose."""


def verdict_on(key: str, measured: Seedwise | None) -> Verdict | None:
    """The verdict as if every learning rate were tuned; None without the data."""
    claim = CLAIM[key]
    parts = None if measured is None else claim.measure(measured)
    if measured is None or parts is None:
        return None
    return verdict(claim, parts, claim.premise(measured))


def decide(root: Path, scenario: Scenario, q: Quantity) -> Verdict:
    decided = verdict_on(scenario.key, seedwise_of(root, scenario.trials, scenario.world(q)))
    assert decided is not None
    return decided


def quantity(scenario: Scenario, value: float) -> Quantity:
    """The value, and where the mean over seeds is that of the quantity, a little spread."""
    return lambda seed: value + (math.sin(3.0 * seed) * 1e-3 if scenario.exact else 0)


def mean_of(q: Quantity) -> float:
    return sum(q(seed) for seed in DECIDING) / len(DECIDING)


def seen_where_it_holds(root: Path, scenario: Scenario) -> None:
    q = quantity(scenario, scenario.values[0])
    decided = decide(root, scenario, q)
    assert (decided.verdict, decided.why) == (SEEN, "")
    assert decided.effect == pytest.approx(mean_of(q), abs=1e-5)
    assert (decided.seeds, decided.left_out) == (6, 0)


def opposite_where_it_does_not(root: Path, scenario: Scenario) -> None:
    q = quantity(scenario, scenario.values[1])
    decided = decide(root, scenario, q)
    if scenario.alone:
        assert decided.verdict == OPPOSITE
    assert decided.effect == pytest.approx(mean_of(q), abs=1e-5)
    low, high = CLAIM[scenario.key].region
    assert decided.high < low or decided.low > high


def undecided_where_seeds_disagree(root: Path, scenario: Scenario) -> None:
    decided = decide(root, scenario, lambda seed: scenario.values[2][seed % 2])
    assert decided.verdict == NOT_DECIDED and decided.why


def no_row_without_the_data(root: Path, scenario: Scenario) -> None:
    assert verdict_on(scenario.key, measured(root, scenario.without)) is None


Check = Callable[[Path, Scenario], None]
CHECKS: list[Check] = [
    seen_where_it_holds,
    opposite_where_it_does_not,
    undecided_where_seeds_disagree,
    no_row_without_the_data,
]
