"""How much of the value that a rule began with is still in the stored statistics.

A rule that begins at (0, 1) stores c (0, 1) + (1 - c) batches, with one c = d^t for all layers;
`fitted` estimates it from the stored values alone, so that it is known where no updates were
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from caviar.analysis.audit.evidence import Array, Moments, NormLayer

START_MEAN, START_VARIANCE = 0.0, 1.0
"""What PyTorch's running statistics begin with."""

NEGLIGIBLE = 1e-6
"""Relative differences below it are rounding of single precision."""


class StartWeight(NamedTuple):
    """The weight c that is left to the start in all layers.

    `share` is the part of the deviations from the batches' statistics that c explains, from
    0 to 1, and `spread` the standard deviation of c fitted to each layer alone.
    """

    weight: float
    share: float
    spread: float


def at_start(moments: Moments) -> bool:
    """Whether statistics are exactly what they begin with."""
    return bool(
        np.all(moments.mean == START_MEAN)
        and np.all(np.abs(moments.variance - START_VARIANCE) < NEGLIGIBLE)
    )


def as_stored(layer: NormLayer) -> Moments:
    """What batches as they are drawn at random store on average: PyTorch's unbiased variance."""
    scatter = layer.regrouped
    bessel = scatter.values / max(1, scatter.values - 1)
    return Moments(scatter.expected.mean, scatter.expected.variance * bessel)


def counted_updates(layer: NormLayer) -> int | None:
    """How often the statistics were updated, None where that was not counted.

    A count of 0 beside statistics that moved was lost: a checkpoint converted or averaged.
    """
    if layer.updates == 0 and layer.stored is not None and not at_start(layer.stored):
        return None
    return layer.updates


def known_weight(layer: NormLayer) -> float | None:
    """(1 - momentum)^updates, None where one of the two is not known."""
    updates = counted_updates(layer)
    if updates is None:
        return None
    if layer.momentum is None:
        return 0.0 if updates else 1.0
    return float((1 - layer.momentum) ** updates)


def _deviations(layer: NormLayer) -> tuple[Array, Array]:
    """What a start would change, and what is stored otherwise than batches would: both moments
    of all units, in deviations and relative variances of the batches."""
    batches, stored = as_stored(layer), layer.stored
    assert stored is not None
    sigma = np.sqrt(batches.variance + layer.epsilon)
    start = np.concatenate(
        [
            (START_MEAN - batches.mean) / sigma,
            (START_VARIANCE - batches.variance) / sigma**2,
        ]
    )
    rest = np.concatenate(
        [(stored.mean - batches.mean) / sigma, (stored.variance - batches.variance) / sigma**2]
    )
    usable = np.isfinite(start) & np.isfinite(rest)
    return start[usable], rest[usable]


def fitted(layers: Sequence[NormLayer]) -> StartWeight:
    """The common weight of the start by weighted least squares, every layer counting the same.

    A unit that is far off does not outvote the others: each weighs 1 / (1 + x^2 + y^2).
    """
    crossed, squared, total, alone = [], [], [], []
    for layer in layers:
        if layer.stored is None:
            continue
        x, y = _deviations(layer)
        weights = 1 / (1 + x**2 + y**2) / max(1, len(x))
        crossed.append(float(weights @ (x * y)))
        squared.append(float(weights @ x**2))
        total.append(float(weights @ y**2))
        alone.append(crossed[-1] / squared[-1] if squared[-1] > 0 else 0.0)
    if not total or sum(squared) == 0:
        return StartWeight(0.0, 0.0, 0.0)
    weight = float(np.clip(sum(crossed) / sum(squared), 0.0, 1.0))
    left = sum(total) - 2 * weight * sum(crossed) + weight**2 * sum(squared)
    share = 1 - left / sum(total) if sum(total) > 0 else 0.0
    return StartWeight(weight, float(share), float(np.std(alone)))
