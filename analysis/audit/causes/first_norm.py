"""What the first norm says: its inputs hang on the data and one layer of weights alone.

Inputs on another scale change the variances of all its units by one factor, and the norm takes
that factor out, so that deeper norms agree. A batch whose inputs were far too large enters a
running variance with their square: it is too large in all units, by as much as that one batch
scatters, and the mean hardly moves.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from caviar.analysis.audit.evidence import Array
from caviar.analysis.audit.facts import LARGE_KL, Facts


class First(Enum):
    """What the first norm shows: inputs on another scale, a batch with far too large ones."""

    scaled = "scaled"
    poisoned = "poisoned"
    neither = "neither"


POISON_DOMINATES, SCALE_DOMINATES = 2.0, 5.0
"""The first norm's divergence is so many times that of every other: a poisoned batch stays one
in deeper norms, another scale is gone behind the first."""

LOWEST = 0.1
"""Of units with the least log ratio, this share is left out."""

LEAST_LOG_RATIO = 0.15
"""A smaller log ratio of variances is no sign of another scale or of a poisoned batch."""

SPREAD = 0.5
"""Log ratios that scatter by this share of themselves are those of one example's squares."""

FAR_TOO_LARGE = 1.0
"""Where all units grew alike, a batch is called poisoned from this log ratio on."""

ONE_BATCH = 3.0
"""Units that scatter by so many times what sampling leaves scatter as single batches do."""

ALIKE = 0.15
"""Units whose log ratios differ by less than this share of them grew alike."""

SHIFTED, UNEVEN = 0.3, 0.25
"""Inputs that are shifted move the mean by so many deviations, and variances little: zeros at
the borders of images, which are not shifted, change log ratios by less than this."""

SAME_FACTOR = 0.8
"""A scale moves means by this power, at least, of what it does to deviations."""

CORRELATED = 0.8


class Signs(NamedTuple):
    """Signs of the first norm.

    The log ratio of variances: its median, its lowest values, its deviation over units, and what
    sampling leaves. The root mean square of the mean's deviations, less a common factor where one
    describes the means (else NaN), and what a single example explains of it.
    """

    log_ratio: float
    lowest: float
    scatter: float
    sampling: float
    mean: float
    residual: float
    mean_of_one: float
    factor: float


def first_norm(facts: Facts) -> First:
    """What the first norm shows."""
    if not facts.parts:
        return First.neither
    first, *others = (one.kl_per_unit for one in facts.parts)
    deeper, signs = max(others, default=0.0), signs_of(facts)
    if first < LARGE_KL:
        return First.neither
    if first > POISON_DOMINATES * deeper and _is_poisoned(signs):
        return First.poisoned
    excess = max(facts.parts[0].excess_mean, facts.parts[0].excess_variance)
    if first > SCALE_DOMINATES * deeper and excess > ONE_BATCH and _is_scaled(signs):
        return First.scaled
    return First.neither


def signs_of(facts: Facts) -> Signs:
    """The signs of the first norm, over its units that vary."""
    layer, part = facts.layers[0], facts.parts[0]
    assert layer.stored is not None
    population = layer.population.moments
    varies = np.isfinite(part.difference_variance) & np.isfinite(layer.stored.mean)
    varies &= population.variance > layer.epsilon
    if not varies.any():
        return Signs(*[np.nan] * len(Signs._fields))
    log, mean = part.difference_variance[varies], part.difference_mean[varies]
    middle, stored = float(np.median(log)), layer.stored.mean[varies]
    kept = 0.1 if layer.momentum is None else layer.momentum
    one = kept / max(1, facts.evidence.batch_size - 1) * np.expm1(np.clip(log, 0.0, 50.0))
    factor = _factor(stored, population.mean[varies])
    scaled = population.mean[varies] * (1.0 if np.isnan(factor) else factor)
    residual = (stored - scaled) / np.sqrt(population.variance[varies] + layer.epsilon)
    return Signs(
        log_ratio=middle,
        lowest=float(np.quantile(log, LOWEST)),
        scatter=1.4826 * float(np.median(np.abs(log - middle))),
        sampling=_rms(np.sqrt(part.expected_variance[varies])),
        mean=_rms(mean),
        residual=_rms(residual),
        mean_of_one=2 * _rms(np.sqrt(one)) + 3 * _rms(np.sqrt(part.expected_mean[varies])),
        factor=factor,
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _factor(stored: Array, population: Array) -> float:
    """The factor between stored and population means, where one describes them."""
    if len(stored) < 3 or not np.std(stored) or not np.std(population):
        return float("nan")
    if np.corrcoef(stored, population)[0, 1] < CORRELATED:
        return float("nan")
    return float(stored @ population / (population @ population))


def _is_poisoned(signs: Signs) -> bool:
    """Whether one example, or one batch, that was far too large explains what is stored.

    An example adds its square, which differs from unit to unit, and moves the mean by little. A
    whole batch adds the square of its scale, and multiplies means by less than deviations.
    """
    if signs.log_ratio < LEAST_LOG_RATIO or signs.lowest < -ONE_BATCH * signs.sampling:
        return False
    # What is poisoned is too large: a smaller factor between means is that of a shift.
    moved = min(signs.mean, signs.residual) if signs.factor > 1 else signs.mean
    # Squares of one example spread over units as nothing else does; training moved on since.
    spread = signs.scatter > SPREAD * signs.log_ratio
    if moved > signs.mean_of_one * (3 if spread else 1) or _same_factor(signs):
        return False
    scattered = signs.scatter > ONE_BATCH * signs.sampling
    if scattered and signs.scatter > ALIKE * signs.log_ratio:
        return True
    # Of another scale the means would show the factor.
    return signs.log_ratio > FAR_TOO_LARGE and (scattered or not signs.factor <= 1)


def _same_factor(signs: Signs) -> bool:
    """Whether one scale explains deviations and means; False where means do not show one."""
    if not signs.factor > 0:
        return False
    return bool(np.log(signs.factor) > SAME_FACTOR * signs.log_ratio / 2)


def _is_scaled(signs: Signs) -> bool:
    """Whether one factor, or a shift, explains what sampling does not."""
    size = abs(signs.log_ratio)
    if signs.mean > SHIFTED and signs.scatter < UNEVEN:
        return True
    alike = max(ALIKE * size, ONE_BATCH * signs.sampling)
    # Averaged weights are smaller ones: their means differ by more than a factor.
    one_factor = np.isnan(signs.factor) or signs.residual < signs.mean / 2
    fits = one_factor or signs.mean <= signs.mean_of_one
    return bool(size > LEAST_LOG_RATIO and signs.scatter < alike and fits)
