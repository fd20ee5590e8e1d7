"""Views with the few numbers that a claim reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from caviar.runner.panda.view import LayerView, LineageView, Series, View

SEEDS = 8
SPREAD = np.linspace(-1, 1, SEEDS)
"""What makes seeds differ; its mean is 0."""


BARE = View(
    name="lesson-batch-norm",
    where="runs/lesson",
    about="digits",
    steps=240,
    steps_per_epoch=4,
    seeds=tuple(range(SEEDS)),
    lineages=(),
    current=0,
    settings={},
    learning_rate=0.1,
    steps_per_second=4.0,
    pace=4.0,
    paused=False,
    ended=False,
    series={},
    layers={},
    log=(),
    snapshots=(),
)


def view_with(
    change: str,
    series: Mapping[tuple[int, str], Mapping[int, float]],
    layers: Mapping[int, Mapping[str, float]] | None = None,
    *,
    spread: float = 0.01,
    steps: int = 240,
    paused: bool = False,
) -> View:
    """A view in which a change made lineage 1 of the twin; none made any if it is empty.

    A series is given by its mean per step. Seeds of lineage 1 lie `spread` times `SPREAD` around
    it and those of the twin on it, so that paired differences have a spread that is known.
    """
    born = int(change.partition(":")[0] or 0)
    now = max((step for means in series.values() for step in means), default=0)
    twin = LineageView(0, -1, 0, "", now, "training")
    panda = LineageView(1, 0, born, change, now, "training")
    return replace(
        BARE,
        steps=steps,
        lineages=(twin, panda) if change else (twin,),
        current=1 if change else 0,
        paused=paused,
        series={
            (number, name): Series(
                np.array(list(means)),
                np.array([mean + number * spread * SPREAD for mean in means.values()]),
            )
            for (number, name), means in series.items()
        },
        layers={
            number: tuple(layer(name, values) for name in ("norm1", "norm2"))
            for number, values in (layers or {}).items()
        },
    )


def layer(name: str, values: Mapping[str, float]) -> LayerView:
    """A layer of which some quantities are known."""
    fields = ("mean_error", "variance_error", "batch_noise", "gamma_norm", "weight_norm")
    return LayerView(name, *(values.get(field, float("nan")) for field in fields))
