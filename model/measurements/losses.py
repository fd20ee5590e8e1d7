"""Loss and accuracy at frozen weights under any kind of statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.layers import Dense
from caviar.model.network import Network, Statistics
from caviar.model.norms.standardise import batch_moments
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.loss import correct, cross_entropy, log_softmax

CHUNK = 1024
"""Examples evaluated at once: bounds memory and is part of what fixes the bits of a result."""

MOST_LOGITS = 2**26
"""With so many classes or seeds that a chunk has more values, fewer examples are taken at once."""


KEPT = 2**24
"""Most numbers of what the first layer makes of a split that are kept from one evaluation to the
next, where kernels evaluate."""


class Scores(NamedTuple):
    """Mean loss in nats and accuracy over a split, both `(replicas,)`."""

    loss: Array
    accuracy: Array


@dataclass(frozen=True)
class BatchStatistics:
    """Statistics of consecutive groups of `size` of what is evaluated, by layer.

    Those of each layer are left in `last`.
    """

    size: int
    last: dict[str, Moments] = field(default_factory=dict)

    def __call__(self, name: str, x: Array) -> Moments:
        self.last[name] = batch_moments(x, self.size)
        return self.last[name]


@dataclass(frozen=True)
class ExternalStatistics:
    """For each group the statistics of the next, cyclically, as `inside` has left them."""

    inside: BatchStatistics

    def __call__(self, name: str, x: Array) -> Moments:
        return Moments(*(np.roll(part, -1, axis=1) for part in self.inside.last[name]))


def batch_statistics(norm_batch_size: int) -> Statistics:
    """Statistics of the evaluated batch itself, in groups of `norm_batch_size`."""
    return BatchStatistics(norm_batch_size)


def batch_and_external_statistics(norm_batch_size: int) -> tuple[Statistics, Statistics]:
    """Statistics of the evaluated batch itself, and for each group those of the next, cyclically.

    The next group's statistics come from its own train-mode pass through all layers, so an example
    under them is a guest in a batch of m others: all that differs is that it has no part in the
    statistics. The second kind remembers what the first has computed: evaluate every batch under
    the first kind immediately before.
    """
    inside = BatchStatistics(norm_batch_size)
    return inside, ExternalStatistics(inside)


def at_once(network: Network, replicas: int) -> int:
    """How many examples are evaluated at once; fewer than `CHUNK` only in very wide layers."""
    widest = max(
        (layer.units for _, layer in network.layers if isinstance(layer, Dense)), default=1
    )
    return max(1, min(CHUNK, MOST_LOGITS // (replicas * widest)))


def evaluate(
    network: Network,
    parameters: NetworkParameters,
    examples: Examples,
    statistics: dict[str, Statistics],
    *,
    group: int = 1,
    order: Array | None = None,
) -> dict[str, Scores]:
    """Loss and accuracy at the same weights under each of several kinds of statistics.

    Examples come in `order`, `(replicas, examples)`; without it, all in the split's order. A last
    group smaller than `group` is filled with the first examples as company that is not scored, so
    every example counts once, in a group of exactly `group`. Raises ValueError where there are
    fewer examples than one group.
    """
    n = len(examples) if order is None else order.shape[1]
    order = in_groups(examples, group, order)
    before, after = network.split_at_norm()
    chunk = group * max(1, at_once(network, examples.replicas) // group)
    loss = {key: np.zeros(examples.replicas) for key in statistics}
    right = {key: np.zeros(examples.replicas) for key in statistics}
    for start in range(0, order.shape[1], chunk):
        x, labels = examples.take(order[:, start : start + chunk])
        scored = min(x.shape[1], n - start)
        for key, logits in _logits(before, after, parameters, x, statistics):
            scored_logits, truth = logits[:, :scored], labels[:, :scored]
            loss[key] += cross_entropy(scored_logits, truth).sum(axis=1, dtype=np.float64)
            right[key] += correct(scored_logits, truth).sum(axis=1)
    return {key: Scores(loss[key] / n, right[key] / n) for key in statistics}


def in_groups(examples: Examples, group: int, order: Array | None) -> Array:
    """The rows of a split in `order`, or in their own, filled up to whole groups with the first.

    Raises ValueError where there are fewer than one group.
    """
    if order is None:
        order = np.broadcast_to(np.arange(len(examples)), (examples.replicas, len(examples)))
    n = order.shape[1]
    if n < group:
        raise ValueError(f"{n} examples cannot fill one group of {group}")
    return np.concatenate([order, order[:, : -n % group]], axis=1)


def _logits(
    before: Network,
    after: Network,
    parameters: NetworkParameters,
    x: Array,
    statistics: dict[str, Statistics],
) -> Iterator[tuple[str, Array]]:
    """Logits under each kind of statistics, one kind in memory at a time."""
    # Nothing before the first batch norm depends on the statistics: once is enough.
    h = before.predict(parameters, x, next(iter(statistics.values())))
    for key, kind in statistics.items():
        yield key, after.predict(parameters, h, kind)


@dataclass(frozen=True)
class AtWeights:
    """A network at frozen weights, which is evaluated several times."""

    network: Network
    parameters: NetworkParameters

    def evaluate(
        self,
        examples: Examples,
        statistics: dict[str, Statistics],
        *,
        group: int = 1,
        order: Array | None = None,
    ) -> dict[str, Scores]:
        """What `evaluate` gives for it."""
        return evaluate(
            self.network, self.parameters, examples, statistics, group=group, order=order
        )

    def of_replicas(self, kept: Array) -> AtWeights:
        """Some replicas, as a smaller stack."""
        return AtWeights(self.network, each(lambda array: array[kept], self.parameters))


def log_probabilities(
    network: Network, parameters: NetworkParameters, examples: Examples, statistics: Statistics
) -> Array:
    """Log-probability in nats of every class for every example, `(replicas, examples, classes)`.

    `statistics` must not depend on the batch.
    """
    rows = np.broadcast_to(np.arange(len(examples)), (examples.replicas, len(examples)))
    parts = []
    chunk = at_once(network, examples.replicas)
    for start in range(0, len(examples), chunk):
        x, _ = examples.take(rows[:, start : start + chunk])
        parts.append(log_softmax(network.predict(parameters, x, statistics)))
    return np.concatenate(parts, axis=1)
