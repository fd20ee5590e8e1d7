"""Measurements at frozen weights: population statistics, losses, tracker errors, batch noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.examples import Examples
from model.layers import Array, Generators, Moments, Parameters
from model.loss import correct, cross_entropy
from model.network import Network, Statistics
from model.norm import batch_moments

CHUNK = 1024
"""Examples evaluated at once: bounds memory and is part of what fixes the bits of a result."""

NOISE_BATCHES = 32
"""At least this many batches stand behind a measured variance of batch statistics."""


ROUNDING = 1e-24
"""A variance below this share of the mean square is rounding: the feature is constant."""


class Scores(NamedTuple):
    """Mean loss in nats and accuracy over a split, both `(replicas,)`."""

    loss: Array
    accuracy: Array


class Spread(NamedTuple):
    """Noise of batch statistics of one layer at one batch size; see `records.Noise`."""

    batches: int
    mean_variance: Array
    deviation_variance: Array
    excess_kurtosis: Array


class Population(NamedTuple):
    """Exact statistics by layer, `(replicas, 1, features)` float64, and the noise around them."""

    moments: dict[str, Moments]
    spread: dict[str, dict[int, Spread]]


def batch_statistics(norm_batch_size: int) -> Statistics:
    """Statistics of the evaluated batch itself, in groups of `norm_batch_size`."""
    return lambda name, x: batch_moments(x, norm_batch_size)


def evaluate(
    network: Network,
    parameters: Parameters,
    examples: Examples,
    statistics: dict[str, Statistics],
    *,
    group: int = 1,
    order: Array | None = None,
) -> dict[str, Scores]:
    """Loss and accuracy at the same weights under each of several kinds of statistics.

    Examples come in `order`, `(replicas, examples)`, or as they lie. A last group smaller than
    `group` is filled with the first examples as company that is not scored, so every example
    counts once, in a group of exactly `group`. Raises ValueError below one whole group.
    """
    n = len(examples)
    if n < group:
        raise ValueError(f"{n} examples cannot fill one group of {group}")
    if order is None:
        order = np.broadcast_to(np.arange(n), (examples.replicas, n))
    order = np.concatenate([order, order[:, : -n % group]], axis=1)
    before, after = network.split_at_norm()
    chunk = group * max(1, CHUNK // group)
    loss = {key: np.zeros(examples.replicas) for key in statistics}
    right = {key: np.zeros(examples.replicas) for key in statistics}
    for start in range(0, order.shape[1], chunk):
        x, labels = examples.take(order[:, start : start + chunk])
        scored = min(x.shape[1], n - start)
        for key, logits in _logits(before, after, parameters, x, statistics).items():
            seen, truth = logits[:, :scored], labels[:, :scored]
            loss[key] += cross_entropy(seen, truth).sum(axis=1, dtype=np.float64)
            right[key] += correct(seen, truth).sum(axis=1)
    return {key: Scores(loss[key] / n, right[key] / n) for key in statistics}


def _logits(
    before: Network,
    after: Network,
    parameters: Parameters,
    x: Array,
    statistics: dict[str, Statistics],
) -> dict[str, Array]:
    # Nothing before the first batch norm depends on the statistics: once is enough.
    h = before.predict(parameters, x, next(iter(statistics.values())))
    return {key: after.predict(parameters, h, kind) for key, kind in statistics.items()}


def population(
    network: Network,
    parameters: Parameters,
    examples: Examples,
    sizes: tuple[int, ...],
    generators: Generators,
) -> Population:
    """Mean and variance over the whole training set, layer by layer, and batch noise around it.

    Each layer's input is what the layers below make of the training set under their own
    population statistics. One replica at a time, so that memory holds one training set.
    """
    moments: dict[str, list[Moments]] = {name: [] for name in network.norm_layers}
    spread: dict[str, list[dict[int, Spread]]] = {name: [] for name in network.norm_layers}
    rows = np.arange(len(examples))[None]
    for r, generator in enumerate(generators):

        def visit(name: str, h: Array, generator: np.random.Generator = generator) -> Moments:
            mean = h.mean(axis=1, keepdims=True, dtype=np.float64)
            variance = h.var(axis=1, keepdims=True, dtype=np.float64)
            moments[name].append(Moments(mean, variance))
            spread[name].append(batch_noise(h[0], sizes, generator))
            return Moments(mean.astype(h.dtype), variance.astype(h.dtype))

        one = {key: value[r : r + 1] for key, value in parameters.items()}
        x, _ = examples.replica(r).take(rows)
        network.predict(one, x, visit)
    return Population(
        {name: _stack_moments(parts) for name, parts in moments.items()},
        {name: _stack_spread(parts) for name, parts in spread.items()},
    )


def _stack_moments(parts: list[Moments]) -> Moments:
    return Moments(
        np.concatenate([p.mean for p in parts]), np.concatenate([p.variance for p in parts])
    )


def _stack_spread(parts: list[dict[int, Spread]]) -> dict[int, Spread]:
    return {
        m: Spread(
            parts[0][m].batches,
            np.array([p[m].mean_variance for p in parts]),
            np.array([p[m].deviation_variance for p in parts]),
            np.array([p[m].excess_kurtosis for p in parts]),
        )
        for m in parts[0]
    }


def batch_noise(
    h: Array, sizes: tuple[int, ...], generator: np.random.Generator
) -> dict[int, Spread]:
    """Variance of batch mean and deviation of `h`, `(examples, features)`, by batch size.

    Batches are disjoint parts of random permutations, as many permutations as give
    `NOISE_BATCHES` batches. Deviations from the *known* population mean make the variance of
    the batch mean unbiased although the batches of one permutation are dependent. Constant
    features are left out. Raises ValueError for a size above the number of examples.
    """
    n = h.shape[0]
    if max(sizes, default=0) > n:
        raise ValueError(f"a batch of {max(sizes)} cannot be drawn from {n} examples")
    h = h.astype(np.float64)
    variance = h.var(axis=0)
    alive = variance > ROUNDING * np.mean(np.square(h), axis=0)
    z = (h[:, alive] - h[:, alive].mean(axis=0)) / np.sqrt(variance[alive])
    kurtosis = np.asarray(np.mean(np.square(np.square(z))) - 3 if alive.any() else np.nan)
    rounds = {m: -(-NOISE_BATCHES // (n // m)) for m in sizes}
    seen: dict[int, list[Moments]] = {m: [] for m in sizes}
    for i in range(max(rounds.values(), default=0)):
        shuffled = z[generator.permutation(n)][None]
        for m in (m for m in sizes if i < rounds[m]):
            seen[m].append(batch_moments(shuffled[:, : n // m * m], m))
    return {m: _spread(seen[m], m, n, kurtosis) for m in sizes}


def _spread(seen: list[Moments], m: int, n: int, kurtosis: Array) -> Spread:
    means = np.concatenate([s.mean[0] for s in seen])
    deviations = np.sqrt(np.concatenate([s.variance[0] for s in seen]))
    batches = len(means)
    if not means.size:
        nan = np.asarray(np.nan)
        return Spread(batches, nan, nan, nan)
    # Disjoint batches of one permutation correlate by -m / (n - m), exactly for statistics that
    # are means, so their own mean hardly varies and takes away less than one degree of freedom.
    free = batches - 1 + (n // m - 1) * m / max(n - m, 1)
    squares = np.square(deviations - deviations.mean(axis=0)).sum(axis=0)
    return Spread(
        batches, np.asarray(np.mean(means**2)), np.asarray(np.mean(squares / free)), kurtosis
    )


class TrackerError(NamedTuple):
    """One tracker's error in one layer, arrays `(replicas,)`; see `records.StatisticsError`."""

    mean_error: Array
    mean_bias: Array
    variance_error: Array
    variance_bias: Array
    divergence: Array


def tracker_errors(
    running: dict[str, Moments], exact: dict[str, Moments], epsilon: float
) -> dict[str, list[TrackerError]]:
    """By layer, the error of every tracker against the population statistics.

    `running` is what `RunningStatistics.read` gives.
    """
    return {
        name: [
            _tracker_error(average.mean[t], average.variance[t], exact[name], epsilon)
            for t in range(average.mean.shape[0])
        ]
        for name, average in running.items()
    }


def _tracker_error(mean: Array, variance: Array, exact: Moments, epsilon: float) -> TrackerError:
    true_variance = exact.variance[:, 0] + epsilon
    shift = (mean - exact.mean[:, 0]) / np.sqrt(true_variance)
    ratio = (variance + epsilon) / true_variance
    log_ratio = np.log(ratio)
    divergence = 0.5 * (ratio + shift**2 - 1 - log_ratio)
    return TrackerError(
        np.sqrt(np.mean(shift**2, axis=1)),
        shift.mean(axis=1),
        np.sqrt(np.mean(log_ratio**2, axis=1)),
        log_ratio.mean(axis=1),
        divergence.mean(axis=1),
    )
