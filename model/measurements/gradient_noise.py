"""How much of a gradient's noise comes from which examples share a ghost."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, NetworkParameters
from caviar.model.parameters import arrays, each
from caviar.model.steps.examples import Examples
from caviar.model.steps.ghost_arrangement import repartition
from caviar.model.steps.gradient import Randomness, Rows, gradient_of
from caviar.model.steps.setup import Training


class GradientNoise(NamedTuple):
    """Variances of the gradient of a step summed over all parameters, `(replicas,)`.

    `partition`: between partitions of the same batch into ghosts; `total`: between batches and
    partitions.
    """

    partition: Array
    total: Array


Gradients = Callable[[Rows, Randomness], NetworkParameters]
"""The gradients of a step on some rows, at frozen weights."""


def gradients_of(
    training: Training, parameters: NetworkParameters, examples: Examples
) -> Gradients:
    """Those of `training` at `parameters`, which hold the references too."""
    return lambda rows, random: gradient_of(training, parameters, examples, rows, random).gradients


def gradient_noise(
    training: Training, gradients: Gradients, examples: Examples, generators: Generators
) -> GradientNoise:
    """Noise of the gradient of a step of `training`, at frozen weights, over random batches.

    The probes of `training` say how many batches, at least two. Each is drawn anew, so that
    gradients are independent, and taken in two partitions.
    """
    randomness = Randomness(generators, generators)
    size = training.batch_size + training.company
    count = training.probes.gradient_batches
    between = np.zeros(examples.replicas)
    firsts = []
    for _ in range(count):
        order = np.stack([g.permutation(len(examples))[:size] for g in generators])
        rows = Rows(order[:, : training.batch_size], order[:, training.batch_size :])
        again = rows._replace(scored=repartition(rows.scored, generators))
        first, second = (gradients(one, randomness) for one in (rows, again))
        between += 0.5 * _square(each(np.subtract, first, second)) / count
        firsts.append(first)
    mean = each(lambda *some: np.mean(some, axis=0, dtype=np.float64), *firsts)
    total = sum(_square(each(np.subtract, one, mean)) for one in firsts)
    return GradientNoise(between, np.asarray(total / (count - 1)))


def _square(gradients: NetworkParameters) -> Array:
    squares = [np.sum(np.square(g, dtype=np.float64), axis=(1, 2)) for g in arrays(gradients)]
    return np.asarray(np.sum(squares, axis=0))
