"""Invented runs in which the quantity that decides a claim is known, seed by seed.

Each scenario writes the quantity q(seed) into what trials measure, by the definition that the
claim states, and everything else of the claim so that it holds by far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caviar.analysis.run.design import design_of
from caviar.analysis.scorecard.seedwise import Seedwise, seedwise
from caviar.analysis.tables.control_arms import first_arm
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, run_of

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

    @property
    def name(self) -> str:
        return f"{self.key} {self.part}".strip()


def ghosts(*sizes: int, **fields: Any) -> list[TrialConfig]:
    return crossed({SIZES: list(sizes)}, seeds=range(8), **fields)


def arm(name: str, *sizes: int, **fields: Any) -> list[TrialConfig]:
    return ghosts(*sizes, arm=name, **fields)


def updates(*sizes: int, **fields: Any) -> list[TrialConfig]:
    return crossed({"batch_size": list(sizes)}, seeds=range(8), **fields)


def axes_of(trials: list[TrialConfig]) -> dict[str, list[int]]:
    """What such a study would cross: the sizes that its first arm has several of."""
    own = [trial for trial in trials if trial.arm == trials[0].arm]
    sizes = {
        name: sorted({int(getattr(trial, name)) for trial in own})
        for name in ("norm_batch_size", "batch_size")
    }
    together = all(trial.norm_batch_size == trial.batch_size for trial in own)
    kept = ["batch_size"] if together else list(sizes)
    return {name: sizes[name] for name in kept if len(sizes[name]) > 1}


def measured(root: Path, trials: list[TrialConfig], world: World | None = None) -> Seedwise | None:
    run = run_of(root, trials, world, scientific=axes_of(trials))
    design = design_of(first_arm(run))
    assert design is not None
    return seedwise(run, design)
