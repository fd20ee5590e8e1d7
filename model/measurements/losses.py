"""Loss and accuracy at frozen weights under any kind of statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.layers import Dense
from caviar.model.network import Network, Statistics
from caviar.model.norms.standardise import batch_moments
from caviar.model.steps.examples import Examples
from caviar.model.steps.loss import correct, cross_entropy, log_softmax

CHUNK = 1024
"""Examples evaluated at once: bounds memory and is part of what fixes the bits of a result."""

MOST_LOGITS = 2**26
"""With so many classes or seeds that a chunk has more values, fewer examples are taken at once."""


class Scores(NamedTuple):
    """Mean loss in nats and accuracy over a split, both `(replicas,)`."""

    loss: Array
    accuracy: Array


def batch_statistics(norm_batch_size: int) -> Statistics:
    """Statistics of the evaluated batch itself, in groups of `norm_batch_size`."""
    return lambda name, x: batch_moments(x, norm_batch_size)


def batch_and_external_statistics(norm_batch_size: int) -> tuple[Statistics, Statistics]:
    """Statistics of the evaluated batch itself, and for each group those of the next, cyclically.

    The next group's statistics come from its own train-mode pass through all layers, so an example
    under them is a guest in a batch of m others: all that differs is that it has no part in the
    statistics. The second kind remembers what the first has computed: evaluate every batch under
    the first kind immediately before.
    """
    group_moments: dict[str, Moments] = {}

    def batch(name: str, x: Array) -> Moments:
        group_moments[name] = batch_moments(x, norm_batch_size)
        return group_moments[name]

    def external(name: str, x: Array) -> Moments:
        return Moments(*(np.roll(part, -1, axis=1) for part in group_moments[name]))

    return batch, external


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
    if order is None:
        order = np.broadcast_to(np.arange(len(examples)), (examples.replicas, len(examples)))
    n = order.shape[1]
    if n < group:
        raise ValueError(f"{n} examples cannot fill one group of {group}")
    order = np.concatenate([order, order[:, : -n % group]], axis=1)
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
