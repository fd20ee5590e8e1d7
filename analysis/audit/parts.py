"""What a layer's stored statistics differ by from those of its inputs, and what explains it.

stored - population = start + bias + sampling + lag, in population deviations for the mean and as
log ratios for the variance, with the epsilon that the norm adds. Start and bias are laws of the
unit; of sampling only the size is a law; lag is what remains beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
from scipy.special import digamma, polygamma

from caviar.analysis.audit.evidence import Array, Moments, NormLayer
from caviar.analysis.audit.start_weight import (
    NEGLIGIBLE,
    START_MEAN,
    START_VARIANCE,
    as_stored,
    counted_updates,
)
from caviar.analysis.theory.running_mean import sum_of_squares

TWO_SIDED = 1.96


@dataclass(frozen=True)
class Size:
    """Root mean square over a layer's units with a 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Part:
    """A part of the difference: `mean` in population deviations, `variance` as a log ratio."""

    mean: Size
    variance: Size


@dataclass(frozen=True)
class LayerParts:
    """The difference of one layer in parts.

    `rest_mean` and `rest_variance` are, unit by unit, what start and bias leave; `expected_mean`
    and `expected_variance` the squares that sampling and the error of our own estimates explain
    of them. `kl_per_unit` is the mean over units of the divergence of the stored normal law from
    the population's, in nats. A part is None where it was not measured.
    """

    name: str
    start: Part | None
    bias: Part
    sampling: Part | None
    lag: Part | None
    shift: Part | None
    kl_per_unit: float
    difference_mean: Array
    difference_variance: Array
    rest_mean: Array
    rest_variance: Array
    expected_mean: Array
    expected_variance: Array

    @property
    def excess_mean(self) -> float:
        """The rest of the mean over what sampling explains, as a ratio of root mean squares."""
        return _ratio(self.rest_mean, self.expected_mean)

    @property
    def excess_variance(self) -> float:
        """The same of the variance."""
        return _ratio(self.rest_variance, self.expected_variance)


def _ratio(rest: Array, expected: Array) -> float:
    usable = np.isfinite(rest) & np.isfinite(expected)
    if not usable.any():
        return inf if len(rest) else nan
    rest_square, expected_square = np.mean(rest[usable] ** 2), np.mean(expected[usable])
    # Zeros on both sides agree.
    return float(np.sqrt((rest_square + NEGLIGIBLE**2) / (expected_square + NEGLIGIBLE**2)))


def size_of(squares: Array, explained: Array | float = 0.0) -> Size:
    """The root of a mean of squares, less the squares that something else explains.

    The interval is that of the mean over units, taken as independent.
    """
    left = squares - explained
    left = left[np.isfinite(left)]
    if not len(left):
        return Size(nan, nan, nan)
    mean = float(left.mean())
    error = TWO_SIDED * float(left.std(ddof=1)) / sqrt(len(left)) if len(left) > 1 else nan
    roots = [sqrt(max(0.0, end)) if not isnan(end) else nan for end in (mean - error, mean + error)]
    return Size(sqrt(max(0.0, mean)), *roots)


def kl_per_unit(stored: Moments, population: Moments, epsilon: float) -> Array:
    """Kullback-Leibler divergence of the stored normal law from the population's, in nats."""
    v, w = population.variance + epsilon, stored.variance + epsilon
    with np.errstate(all="ignore"):
        return 0.5 * (np.log(w / v) + (v + (population.mean - stored.mean) ** 2) / w - 1)


def squares_of_rule(layer: NormLayer) -> float:
    """The sum of the squared weights of the batches in the running average of a layer.

    Without a count of updates it is that of the long run; of no updates it is 0.
    """
    counted = counted_updates(layer)
    if counted == 0:
        return 0.0
    updates = inf if counted is None else float(counted)
    if layer.momentum is None:
        return 1 / updates
    decay = 1 - layer.momentum
    return 0.0 if decay >= 1 else sum_of_squares("constant", max(0.0, decay), updates)


def _square_of_log(relative: Array) -> Array:
    """The mean square of the log of a positive average of this relative variance (a scaled
    chi-squared law), against the log of its mean."""
    half = 1 / np.clip(relative, 1e-12, None)
    squares = polygamma(1, half) + (digamma(half) - np.log(half)) ** 2
    return np.where(relative > 1e-6, squares, relative)


def parts_of(layer: NormLayer, weight: float) -> LayerParts:
    """Split the difference of one layer, of whose start `weight` is left.

    Raises ValueError where nothing is stored.
    """
    if layer.stored is None:
        raise ValueError(f"norm {layer.name} stores no statistics")
    stored, population, batches = layer.stored, layer.population.moments, as_stored(layer)
    epsilon = layer.epsilon
    mixed = Moments(
        weight * START_MEAN + (1 - weight) * batches.mean,
        weight * START_VARIANCE + (1 - weight) * batches.variance,
    )

    def between(one: Moments, other: Moments) -> tuple[Array, Array]:
        sigma = np.sqrt(population.variance + epsilon)
        with np.errstate(all="ignore"):
            log = np.log((one.variance + epsilon) / (other.variance + epsilon))
        return (one.mean - other.mean) / sigma, log

    sampled, erred = _expected(layer, mixed, weight)
    rest, difference = between(stored, mixed), between(stored, population)
    expected = sampled[0] + erred[0], sampled[1] + erred[1]
    shift = layer.other and between(layer.other.moments, population)
    return LayerParts(
        name=layer.name,
        start=_part(*between(mixed, batches)),
        bias=_part(*between(batches, population)),
        sampling=Part(size_of(sampled[0]), size_of(sampled[1])),
        lag=Part(size_of(rest[0] ** 2, expected[0]), size_of(rest[1] ** 2, expected[1])),
        shift=_part(*shift) if shift else None,
        kl_per_unit=_mean(kl_per_unit(stored, population, epsilon)),
        difference_mean=difference[0],
        difference_variance=difference[1],
        rest_mean=rest[0],
        rest_variance=rest[1],
        expected_mean=expected[0],
        expected_variance=expected[1],
    )


def _part(mean: Array, variance: Array) -> Part:
    return Part(size_of(mean**2), size_of(variance**2))


def _mean(values: Array) -> float:
    usable = values[np.isfinite(values)]
    return float(usable.mean()) if len(usable) else nan


Squares = tuple[Array, Array]


def _expected(layer: NormLayer, mixed: Moments, weight: float) -> tuple[Squares, Squares]:
    """Squares of mean and log variance that sampling explains, and those of estimation."""
    scatter, population = layer.regrouped, layer.population.moments
    bessel = scatter.values / max(1, scatter.values - 1)
    squares, left = squares_of_rule(layer), (1 - weight) ** 2
    sigma2 = population.variance + layer.epsilon
    relative = scatter.variance.variance * bessel**2 / (mixed.variance + layer.epsilon) ** 2
    sampled = squares * scatter.variance.mean / sigma2, _square_of_log(squares * relative)
    per_batch = left / max(1, scatter.batches)
    erred = per_batch * scatter.variance.mean / sigma2, per_batch * relative
    return sampled, erred
