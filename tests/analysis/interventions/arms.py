"""Runs of a study with an arm that has changes and one that has none, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from caviar.analysis.run.read import Run
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, run_of, trial

CHANGES = ("2: learning_rate = 0.5", "4: decay = 0.99")


def arms_run(
    effect: float,
    *,
    damage: float = 0.0,
    wide: float = 1.0,
    sizes: Sequence[int] = (64,),
    seeds: int = 8,
    changes: Sequence[str] = CHANGES,
    **settings: Any,
) -> Run:
    """`effect`: of the changes on test loss; `damage`: what they add to it under the average.

    Effects of single seeds lie up to 0.0015 nats around it, times `wide`. `settings` are those of
    the arm `edited` beside its changes.
    """

    def lower(config: TrialConfig, seed: int) -> float:
        spread = 0.001 * wide * (seed % 4 - 1.5)
        return 1.0 + (effect + spread if config.changes else 0.0)

    def added(config: TrialConfig, seed: int, tracker: str) -> float:
        in_force = tracker == f"unbiased/{0.99 if config.changes else 0.9!r}"
        return damage * bool(config.changes) + (0 if in_force else 5)

    arms: Mapping[str, Mapping[str, Any]] = {
        "unedited": {},
        "edited": {"changes": list(changes), **settings},
    }
    shared: dict[str, Any] = {"seeds": range(seeds), "decays": (0.99,)}
    trials = [
        trial(arm=arm, norm_batch_size=size, changes=given.get("changes", ()), **shared)
        for size in sizes
        for arm, given in arms.items()
    ]
    crossed = {"norm_batch_size": list(sizes)} if len(sizes) > 1 else {}
    world = World(test=lower, damage=added)
    run = run_of(Path("runs/edited"), trials, world, scientific=crossed)
    study = {**run.study, "study": {**run.study["study"], "arms": arms}}
    return replace(run, study=study)
