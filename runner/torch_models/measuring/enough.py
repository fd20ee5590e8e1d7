"""When enough examples were read: errors are a tenth of what will be reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.audit.evidence import Array, Estimate, Moments
from caviar.runner.torch_models.measuring.population import roughly_estimated
from caviar.runner.torch_models.running.batches import Examples, Reader
from caviar.runner.torch_models.running.passes import Subject

SHARE = 0.1
"""An error may be this share of what is reported."""

NOTABLE = 0.2
"""Smaller differences need no better error: deviations of the mean, log ratio of the variance."""


MOST_TIMES = 8.0
"""At most so many times as many examples are read next, since a first error is rough."""

Shortfall = Callable[[Mapping[str, Estimate]], float]
"""How many times too large the worst error of estimates is."""


def read_until(
    reader: Reader,
    subject: Subject,
    between: tuple[int, int],
    shortfall: Shortfall,
    generator: np.random.Generator,
) -> Examples:
    """Examples, more and more until no error is too large, or the data end.

    Errors fall as one over the root of their number. `between` are the fewest and the most.
    """
    wanted, most = between
    while True:
        examples = reader.read(wanted)
        if examples.number < wanted or wanted >= most:
            return examples
        lacking = shortfall(roughly_estimated(subject, examples, generator))
        if lacking <= 1:
            return examples
        wanted = min(most, int(min(MOST_TIMES, max(1.2, 1.1 * lacking**2)) * examples.number))


def shortfall(population: Mapping[str, Estimate], stored: Mapping[str, Moments | None]) -> float:
    """How many times too large the worst error is; 1 or less is enough.

    An error should be a tenth of its layer's distance from population to stored, or of 0.2. Root
    mean squares over the features that vary; what is not finite needs no further example.
    """
    return max(_shortfall(one, stored[name]) for name, one in population.items())


def _shortfall(estimate: Estimate, stored: Moments | None) -> float:
    error, distance = relative_error(estimate), Moments(np.zeros(1), np.zeros(1))
    if stored is not None:
        distance = distance_of(estimate, stored)
    pairs = ((error.mean, distance.mean), (error.variance, distance.variance))
    return max(rms(e) / (SHARE * max(rms(d), NOTABLE)) for e, d in pairs)


def relative_error(estimate: Estimate) -> Moments:
    """Errors in deviations of the mean and as a share of the variance, of features that vary."""
    alive = varying(estimate)
    variance = estimate.moments.variance[alive]
    return Moments(
        estimate.error.mean[alive] / np.sqrt(variance), estimate.error.variance[alive] / variance
    )


def distance_of(estimate: Estimate, stored: Moments) -> Moments:
    """From population to stored: deviations of the mean, log ratio of the variance."""
    alive = varying(estimate) & (stored.variance > 0)
    mean, variance = estimate.moments.mean[alive], estimate.moments.variance[alive]
    return Moments(
        (stored.mean[alive] - mean) / np.sqrt(variance), np.log(stored.variance[alive] / variance)
    )


def varying(estimate: Estimate) -> NDArray[np.bool]:
    """Which features are not constant."""
    return np.asarray(estimate.moments.variance > 0)


def rms(values: Array) -> float:
    """The root mean square of those that are finite, 0 of none."""
    finite = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(finite**2))) if len(finite) else 0.0
