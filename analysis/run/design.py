"""What a study compares: the axis, its levels, and the unit of replication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from caviar.analysis.run.read import Run
from caviar.analysis.run.trained_with import trained_with, trains_with

SIZES = ("norm_batch_size", "batch_size")
LABELS = {
    "norm_batch_size": "norm batch size m",
    "batch_size": "batch size B",
}


@dataclass(frozen=True)
class Design:
    """`axis` is compared at its `levels`; `facets` are the other fields that differ.

    In a crossed study the unit of replication is the seed, and arms are paired by it. In a
    plain random search every trial is another configuration: the unit is the trial, nothing
    is paired. `planned` counts the measurements, seeds of trials, that the study has for each
    facet and level, whether or not they were made.
    """

    axis: str
    levels: tuple[float, ...]
    facets: tuple[str, ...]
    unit: Literal["seed", "trial_id"]
    label: str
    planned: Mapping[tuple[str, float], int] = field(default_factory=dict, compare=False)

    @property
    def reference(self) -> float:
        """The level that the others are compared with: the largest."""
        return self.levels[-1]

    @property
    def symbol(self) -> str:
        """The letter that sentences use for the axis: m, or B for the batch of an update."""
        return "B" if self.axis == "batch_size" else "m"

    @property
    def paired(self) -> bool:
        return self.unit == "seed"


def design_of(run: Run) -> Design | None:
    """The comparison that a run allows; None where no batch size differs between its trials.

    Only trials whose training reads the compared size count: under layer norm all norm batch
    sizes give the same network.
    """
    crossed = crossed_in(run)
    for axis in sorted(SIZES, key=lambda size: size not in crossed):
        compared = trained_with(run, axis)
        if compared.trials[axis].nunique() > 1:
            return _design(compared, axis)
    return None


def crossed_in(run: Run) -> list[str]:
    """The fields that a study crosses, as far as its trials differ in them."""
    return [
        name for name in run.study["study"]["scientific"] if run.trials[name].map(str).nunique() > 1
    ]


def _design(run: Run, axis: str) -> Design:
    """The comparison along an axis in a run all of whose trials train with it."""
    crossed = crossed_in(run)
    moves_together = all(trains_with(run, size).all() for size in SIZES)
    moves_together &= bool((run.trials[SIZES[0]] == run.trials[SIZES[1]]).all())
    design = Design(
        axis=axis,
        levels=tuple(sorted(run.trials[axis].unique().tolist())),
        facets=tuple(name for name in crossed if name != axis),
        unit="seed" if axis in crossed else "trial_id",
        label="mini-batch size m = B" if moves_together else LABELS[axis],
    )
    return replace(design, planned=planned_of(run, design))


def planned_of(run: Run, design: Design) -> dict[tuple[str, float], int]:
    """The measurements, seeds of trials, that a run has for each facet and level."""
    places = zip(facet_of(run.trials, design), run.trials[design.axis], strict=True)
    counted: Counter[tuple[str, float]] = Counter()
    for (facet, level), seeds in zip(places, run.trials["seeds"], strict=True):
        counted[facet, float(level)] += len(seeds)
    return dict(counted)


def in_order(layers: Iterable[str]) -> list[str]:
    """Layer names from the input to the output: `norm2` before `norm10`."""
    return sorted(set(layers), key=lambda name: (len(name), name))


def facet_of(frame: pd.DataFrame, design: Design) -> pd.Series:
    """`"norm = layer, depth = 2"` for every row; empty where no other field is crossed."""
    text = pd.Series("", index=frame.index)
    for i, name in enumerate(design.facets):
        text = text + (", " if i else "") + f"{name} = " + frame[name].map(_shown).astype(str)
    return text


def _shown(value: Any) -> str:
    """A crossed value in a few characters: equal hidden layers are counted, `5 × 128`."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return str(value)
    values = list(value)
    if len(values) > 1 and len(set(values)) == 1:
        return f"{len(values)} × {values[0]}"
    return ", ".join(map(str, values)) or "none"
