"""Streams of batches from a known law, averaged by a framework's own recursion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.analysis.theory.question import Question
from caviar.model.averages.conventions import SECOND, Convention, Tracker
from caviar.model.contract import Array

UNITS = 300
"""Independent units, each with a stream of its own."""


class Batches(NamedTuple):
    """Means and biased variances of successive batches, `(batches, units)`, of unit variance."""

    mean: Array
    variance: Array


class State(NamedTuple):
    """How far averages are from the population: root mean squares, and nats per unit."""

    mean: float
    variance: float
    divergence: float

    def better_than(self, other: State) -> bool:
        return all(mine < theirs for mine, theirs in zip(self, other, strict=True))


def normal_batches(generator: np.random.Generator, m: int, steps: int) -> Batches:
    """Independent normal values: the two statistics are independent (Cochran)."""
    shape = (steps, UNITS)
    mean = generator.standard_normal(shape) / np.sqrt(m)
    return Batches(mean, generator.chisquare(m - 1, shape) / m)


def batches_of_images(
    generator: np.random.Generator, m: int, positions: int, effective: float, steps: int
) -> Batches:
    """Normal images whose positions share a part, so that an image's mean has variance 1/e."""
    shared = (1 / effective - 1 / positions) / (1 - 1 / positions)
    shape = (steps, UNITS, m)
    image = generator.standard_normal(shape)
    rest = generator.standard_normal((*shape, positions))
    values = np.sqrt(shared) * image[..., None] + np.sqrt(1 - shared) * rest
    return Batches(values.mean(axis=(-2, -1)), values.var(axis=(-2, -1)))


def averaged(
    row: Convention, decay: float, batches: Batches, question: Question
) -> tuple[Array, Array]:
    """Running mean and variance after all batches, as evaluation reads them, `(units,)`."""
    examples = question.norm_batch_size
    tracker = Tracker(row, decay)
    steps = len(batches.mean)
    keeps = np.array([tracker.keeps(t, examples)[1] for t in range(1, steps + 1)])
    later = np.append(np.cumprod(keeps[:0:-1])[::-1], 1.0)
    weights = (1 - keeps) * later
    sigma2 = question.input_variance
    mean = question.input_mean * np.sqrt(sigma2) + np.sqrt(sigma2) * batches.mean
    rule = SECOND[row.second]
    stored = rule.stored(sigma2 * batches.variance, examples * question.positions, row.epsilon)
    left = keeps.prod()
    return (
        left * row.initial_mean + weights @ mean,
        rule.variance(left * row.initial_second + weights @ stored, row.epsilon),
    )


def state(mean: Array, variance: Array, question: Question) -> State:
    """The errors of averages, over units."""
    sigma2 = question.input_variance
    shift = mean / np.sqrt(sigma2) - question.input_mean
    ratio = variance / sigma2
    divergence = (ratio + shift**2 - 1 - np.log(ratio)) / 2
    return State(
        float(np.sqrt(np.mean(shift**2))),
        float(np.sqrt(np.mean(np.log(ratio) ** 2))),
        float(divergence.mean()),
    )


def followed(
    row: Convention, decay: float, question: Question, generator: np.random.Generator
) -> State:
    """The state after training as the question describes it, with independent batches."""
    batches = normal_batches(generator, question.norm_batch_size, int(question.steps))
    return state(*averaged(row, decay, batches, question), question)
