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


DOMINATES = 2.0
"""The first norm's divergence is so many times that of every other."""

ONE_SIDED = 0.9
"""In this share of units a poisoned batch leaves too large a variance."""

LEAST_LOG_RATIO = 0.15
"""A smaller log ratio of variances is no sign of another scale or of a poisoned batch."""

ONE_BATCH, SAMPLED = 3.0, 1.5
"""Units that scatter by so many times what sampling leaves scatter as single batches do, or as
sampling does."""

UNIFORM = 0.15
"""A scale is the same in all units to this share of its logarithm."""

SAME_FACTOR = 0.8
"""A scale moves means by this power, at least, of what it does to deviations."""

CORRELATED = 0.8


class Signs(NamedTuple):
    """Signs of the first norm: log ratio of variances (median, deviation over units and what
    sampling leaves), share of units above zero, root mean square of the mean's deviations and
    what a single example explains of it, and the factor between means, NaN where it is not
    known."""

    log_ratio: float
    scatter: float
    sampling: float
    above: float
    mean: float
    mean_of_one: float
    factor: float


def first_norm(facts: Facts) -> First:
    """What the first norm shows."""
    if not facts.parts or not _dominates(facts):
        return First.neither
    signs = signs_of(facts)
    if _is_poisoned(signs):
        return First.poisoned
    excess = max(facts.parts[0].excess_mean, facts.parts[0].excess_variance)
    return First.scaled if _is_scaled(signs, excess) else First.neither


def _dominates(facts: Facts) -> bool:
    first, *deeper = (one.kl_per_unit for one in facts.parts)
    return first > LARGE_KL and first > DOMINATES * max(deeper, default=0.0)


def signs_of(facts: Facts) -> Signs:
    """The signs of the first norm, over its units that vary."""
    layer, part = facts.layers[0], facts.parts[0]
    assert layer.stored is not None
    population = layer.population.moments
    varies = np.isfinite(part.difference_variance) & (population.variance > layer.epsilon)
    if not varies.any():
        return Signs(*[np.nan] * len(Signs._fields))
    log, mean = part.difference_variance[varies], part.difference_mean[varies]
    middle = float(np.median(log))
    kept = 0.1 if layer.momentum is None else layer.momentum
    one = kept / max(1, facts.evidence.batch_size - 1) * np.expm1(np.clip(log, 0.0, 50.0))
    return Signs(
        log_ratio=middle,
        scatter=1.4826 * float(np.median(np.abs(log - middle))),
        sampling=float(np.sqrt(np.mean(part.expected_variance[varies]))),
        above=float(np.mean(log > 0)),
        mean=float(np.sqrt(np.mean(mean**2))),
        mean_of_one=2 * float(np.sqrt(np.mean(one)))
        + 3 * float(np.sqrt(np.mean(part.expected_mean[varies]))),
        factor=_factor(layer.stored.mean[varies], population.mean[varies]),
    )


def _factor(stored: Array, population: Array) -> float:
    """The factor between stored and population means, where one describes them."""
    if len(stored) < 3 or not np.std(stored) or not np.std(population):
        return float("nan")
    if np.corrcoef(stored, population)[0, 1] < CORRELATED:
        return float("nan")
    return float(stored @ population / (population @ population))


def _is_poisoned(signs: Signs) -> bool:
    """Whether variances are too large in all units, and by as much as one batch scatters.

    Between what sampling leaves and that, the means decide: a poisoned batch adds the square of
    its scale to variances, and moves means by less than deviations.
    """
    if signs.log_ratio < LEAST_LOG_RATIO or signs.above < ONE_SIDED:
        return False
    if signs.scatter > ONE_BATCH * signs.sampling:
        return signs.mean <= signs.mean_of_one or not _same_factor(signs)
    return signs.scatter > SAMPLED * signs.sampling and not _same_factor(signs)


def _same_factor(signs: Signs) -> bool:
    """Whether one scale explains deviations and means; False where means do not show one."""
    if not signs.factor > 0:
        return False
    return bool(np.log(signs.factor) > SAME_FACTOR * signs.log_ratio / 2)


def _is_scaled(signs: Signs, excess: float) -> bool:
    """Whether one factor, or a shift alone, explains what sampling does not."""
    if not excess > ONE_BATCH:
        return False
    return signs.scatter < max(UNIFORM * abs(signs.log_ratio), ONE_BATCH * signs.sampling)
