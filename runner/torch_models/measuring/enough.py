"""When enough examples were read: errors are a tenth of what will be reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from caviar.analysis.audit.evidence import Array, Estimate, Moments
from caviar.runner.torch_models.measuring.population import estimated_by_parts
from caviar.runner.torch_models.running.batches import Examples, Reader
from caviar.runner.torch_models.running.passes import Subject
from caviar.runner.torch_models.running.trees import Tree

SHARE = 0.1
"""An error may be this share of what is reported."""

NOTABLE = 0.2
"""Smaller differences need no better error: deviations of the mean, log ratio of the variance."""

ORDERED = 1.5
"""While labels come in an order, errors count as so many times too large."""

MOST_TIMES = 8.0
"""At most so many times as many examples are read next, since a first error is rough."""

Shortfall = Callable[[Mapping[str, Estimate]], float]
"""How many times too large the worst error of estimates is."""


class Enough(NamedTuple):
    """Examples, and estimates by parts of them."""

    examples: Examples
    estimates: dict[str, Estimate]


def read_until(
    reader: Reader,
    subject: Subject,
    between: tuple[int, int],
    shortfall: Shortfall,
    generator: np.random.Generator,
) -> Enough:
    """Examples, more and more until no error is too large, or the data end.

    Errors fall as one over the root of their number. `between` are the fewest and the most. While
    there may be others, parts are those of the loader's order: if it sorts the examples, they
    differ, and more is read; labels that come in an order are a reason for it, too.
    """
    wanted, most = between
    while True:
        examples = reader.read(wanted)
        if examples.number < wanted:
            return Enough(examples, estimated_by_parts(subject, shuffled(examples, generator)))
        estimates = estimated_by_parts(subject, examples)
        lacking = max(shortfall(estimates), ORDERED * in_order(examples.targets))
        if wanted >= most or lacking <= 1:
            return Enough(examples, estimates)
        wanted = min(most, int(min(MOST_TIMES, max(1.2, 1.1 * lacking**2)) * examples.number))


def shuffled(examples: Examples, generator: np.random.Generator) -> Examples:
    """The examples in a random order."""
    order = generator.permutation(examples.number)
    return examples.take(torch.as_tensor(order, device=examples.device))


def in_order(targets: Tree) -> bool:
    """Whether neighbours have the same class far more often than they would in a random order.

    Also where all have the same class. False without integer labels.
    """
    if not isinstance(targets, Tensor) or targets.ndim != 1 or targets.is_floating_point():
        return False
    labels = targets.cpu().numpy().astype(np.int64)
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    by_chance = float(np.sum(shares**2))
    alike = float(np.mean(labels[1:] == labels[:-1]))
    return len(shares) == 1 or bool(alike - by_chance > max(0.1, 4 / np.sqrt(len(labels))))


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
