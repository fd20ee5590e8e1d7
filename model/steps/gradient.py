"""One training step's gradient: which rows it takes, and what it does with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, NetworkParameters
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.ghost_arrangement import repartition
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from caviar.model.steps.random_streams import batches, company, streams
from caviar.model.steps.setup import Training


class Rows(NamedTuple):
    """Rows of the training split, `(replicas, examples)`: those with a loss, and their company."""

    scored: Array
    company: Array

    @property
    def examples(self) -> int:
        """Number of examples in a forward pass."""
        return int(self.scored.shape[1] + self.company.shape[1])


class Randomness(NamedTuple):
    """Generators that a step draws from: for noise inside layers, and for partitions of a batch."""

    noise: Generators
    partitions: Generators


class Gradient(NamedTuple):
    """Train-mode loss `(replicas,)`, its gradients, the tape and the upstream gradient.

    `gradients` has the parameters' nesting; tape and upstream gradient are those of the first
    partition.
    """

    loss: Array
    gradients: NetworkParameters
    tape: dict[str, Any]
    upstream: Array


def feed(training: Training, examples: Examples) -> Iterator[Rows]:
    """The rows of each step, without end; every call gives the same ones."""
    order, others = streams(training.seeds, "order"), streams(training.seeds, "company")
    return feed_from(training, examples, order, others, 0)


def feed_from(
    training: Training, examples: Examples, order: Generators, others: Generators, done: int
) -> Iterator[Rows]:
    """The rows of each step after `done` steps; `order` stands as it did before this epoch."""
    for scored in batches(order, len(examples), training.batch_size, done):
        yield Rows(scored, company(others, scored, len(examples), training.company))


def randomness(training: Training) -> Randomness:
    """The generators of a run's steps, in their initial state."""
    return Randomness(streams(training.seeds, "noise"), streams(training.seeds, "partitions"))


def gradient_of(
    training: Training,
    parameters: NetworkParameters,
    examples: Examples,
    rows: Rows,
    random: Randomness,
) -> Gradient:
    """Mean cross-entropy of the scored rows and its gradient, averaged over partitions.

    Each partition but the first reshuffles the scored rows, so that other examples share a ghost;
    averaging keeps the expected gradient and reduces its noise between partitions.
    """
    first = _one_partition(training, parameters, examples, rows, random.noise)
    loss, gradients = first.loss, first.gradients
    for _ in range(1, training.partitions):
        again = Rows(repartition(rows.scored, random.partitions), rows.company)
        other = _one_partition(training, parameters, examples, again, random.noise)
        loss = loss + other.loss
        gradients = each(np.add, gradients, other.gradients)
    if training.partitions > 1:
        share = 1 / training.partitions
        loss = loss * share
        gradients = each(lambda g: g * g.dtype.type(share), gradients)
    return first._replace(loss=loss, gradients=gradients)


def batch_of(training: Training, examples: Examples, rows: Rows) -> tuple[Array, Array]:
    """Features and labels of a forward pass: the scored rows as arranged, then the company."""
    arranged = training.arrangement(rows.scored, examples.labels_of(rows.scored))
    return examples.take(np.concatenate([arranged, rows.company], axis=1))


def _one_partition(
    training: Training,
    parameters: NetworkParameters,
    examples: Examples,
    rows: Rows,
    noise: Generators,
) -> Gradient:
    x, labels = batch_of(training, examples, rows)
    scored = rows.scored.shape[1]
    logits, tape = training.network.forward(parameters, x, noise)
    scored_logits, truth = logits[:, :scored], labels[:, :scored]
    loss = cross_entropy(scored_logits, truth).mean(axis=1, dtype=np.float64)
    upstream = np.zeros_like(logits)
    upstream[:, :scored] = mean_cross_entropy_gradient(scored_logits, truth)
    _, gradients = training.network.backward(parameters, tape, upstream)
    return Gradient(loss, gradients, tape, upstream)
