"""Units that no statistics can be right for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.analysis.audit.evidence import NormLayer

DEAD = 1e-3
"""A unit is dead where its inputs' variance is below this share of epsilon."""

NEAR_EPSILON = 1.0
"""A unit is near epsilon where its inputs' variance is below so many times epsilon."""


class UnitFaults(NamedTuple):
    """How many units of a layer are what: dead, near epsilon (and not dead), inputs not finite,
    stored as what no variance or mean can be."""

    units: int
    dead: int
    near_epsilon: int
    inputs_not_finite: int
    stored_impossible: int


def unit_faults(layer: NormLayer) -> UnitFaults:
    """The faults of a layer's units."""
    mean, variance = layer.population.moments.mean, layer.population.moments.variance
    finite = np.isfinite(mean) & np.isfinite(variance)
    dead = finite & (variance < DEAD * layer.epsilon)
    near = finite & ~dead & (variance < NEAR_EPSILON * layer.epsilon)
    impossible = np.zeros_like(finite)
    if layer.stored is not None:
        stored = layer.stored
        impossible = ~np.isfinite(stored.mean) | ~np.isfinite(stored.variance)
        impossible |= stored.variance < 0
        impossible |= (stored.variance == 0) & (variance > layer.epsilon)
    return UnitFaults(len(mean), *(int(one.sum()) for one in (dead, near, ~finite, impossible)))
