"""Noise of batch statistics in one layer at frozen weights, and what it does to examples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Moments
from caviar.model.norms.standardise import grouped

NOISE_BATCHES = 32
"""Fewest batches behind a measured variance of batch statistics."""

PARTITIONS = 2
"""Fewest partitions: the noise of one example shows in how its values differ between two."""

FEATURES = 32
"""Most features measured, drawn anew each time: a mean over so many has settled."""

ROUNDING = 1e-24
"""A variance below this share of the mean square is rounding: the feature is constant."""


class Spread(NamedTuple):
    """Noise of batch statistics of one layer at one batch size; see `records.Noise`."""

    batches: int
    mean_variance: Array
    deviation_variance: Array
    excess_kurtosis: Array
    noise_to_signal: Array
    coupling: Array


class _Partition(NamedTuple):
    """One partition into batches of m: `moments` `(batches, features)`, `x_hat` by example.

    Examples outside every whole batch are not `covered`; `energies` are the squares of the
    Jacobian's entries by batch and feature, off the diagonal and all of them.
    """

    moments: Moments
    x_hat: Array
    covered: Array
    energies: tuple[Array, Array]


def batch_noise(
    h: Array, sizes: tuple[int, ...], epsilon: float, generator: np.random.Generator
) -> dict[int, Spread]:
    """Noise of batches of each size drawn from `h`, `(examples, features)`.

    Batches are disjoint parts of random permutations, as many permutations as give
    `NOISE_BATCHES` batches. Deviations from the *known* population mean make the variance of
    the batch mean unbiased although the batches of one permutation are dependent. Constant
    features are left out; of many others, `FEATURES` are drawn. Raises ValueError for a size
    above the number of examples.
    """
    n = h.shape[0]
    if not sizes:
        return {}
    must_be_drawable(sizes, n)
    z, ratio = _standardised(h, epsilon, generator)
    fourth = np.mean(np.square(np.square(z)), dtype=np.float64) if z.size else np.nan
    kurtosis = np.asarray(fourth - 3)
    rounds = {m: rounds_of(m, n) for m in sizes}
    partitions: dict[int, list[_Partition]] = {m: [] for m in sizes}
    for i in range(max(rounds.values())):
        order = generator.permutation(n)
        shuffled = z[order]
        for m in (m for m in sizes if i < rounds[m]):
            partitions[m].append(_partition(shuffled, order, m, ratio))
    return {m: _spread(partitions[m], m, n, kurtosis) for m in sizes}


def must_be_drawable(sizes: tuple[int, ...], examples: int) -> None:
    """Raise ValueError for a size above the number of examples."""
    if max(sizes) > examples:
        raise ValueError(f"a batch of {max(sizes)} cannot be drawn from {examples} examples")


def rounds_of(m: int, n: int) -> int:
    """How many permutations of `n` examples batches of `m` are taken from."""
    return max(PARTITIONS, -(-NOISE_BATCHES // (n // m)))


def degrees_of_freedom(batches: int, m: int, n: int) -> float:
    """Of the deviations of disjoint batches of `m` from permutations of `n` examples.

    Disjoint batches of one permutation correlate by -m / (n - m), exactly for statistics that
    are means, so their own mean hardly varies and takes away less than one degree of freedom.
    """
    return batches - 1 + (n // m - 1) * m / max(n - m, 1)


def stacked(parts: list[dict[int, Spread]]) -> dict[int, Spread]:
    """Combine the spreads of single replicas into one with arrays `(replicas,)`, by batch size."""
    return {
        m: Spread(
            parts[0][m].batches, *(np.array(one) for one in zip(*_values(parts, m), strict=True))
        )
        for m in parts[0]
    }


def _values(parts: list[dict[int, Spread]], m: int) -> list[tuple[Array, ...]]:
    return [part[m][1:] for part in parts]


def _standardised(h: Array, epsilon: float, generator: np.random.Generator) -> tuple[Array, Array]:
    """Features that vary, in units of their deviation and in the dtype of `h`; epsilon likewise."""
    drawn = generator.permutation(h.shape[1])
    variance = h.var(axis=0, dtype=np.float64)
    alive = variance > ROUNDING * np.mean(np.square(h, dtype=np.float64), axis=0)
    chosen = drawn[alive[drawn]][:FEATURES]
    some = h[:, chosen].astype(np.float64)
    z = (some - some.mean(axis=0)) / np.sqrt(variance[chosen])
    return z.astype(h.dtype), (epsilon / variance[chosen]).astype(h.dtype)


def _partition(shuffled: Array, order: Array, m: int, epsilon: Array) -> _Partition:
    whole = len(order) // m * m
    batches = grouped(shuffled[None, :whole], m)[0]
    mean = batches.mean(axis=1, keepdims=True)
    x_hat = batches - mean
    variance = np.mean(x_hat * x_hat, axis=1)
    x_hat *= (1 / np.sqrt(variance + epsilon))[:, None]
    by_example = np.zeros_like(shuffled)
    by_example[order[:whole]] = x_hat.reshape(whole, -1)
    covered = np.zeros(len(order), bool)
    covered[order[:whole]] = True
    square = x_hat * x_hat
    kept, fourth = variance / (variance + epsilon), np.mean(square * square, axis=1)
    energies = (1 + kept**2 - (1 + 2 * kept + fourth) / m, m - 2 + (1 - kept) ** 2)
    return _Partition(Moments(mean[:, 0], variance), by_example, covered, energies)


def _spread(partitions: list[_Partition], m: int, n: int, kurtosis: Array) -> Spread:
    means = np.concatenate([s.moments.mean for s in partitions]).astype(np.float64)
    deviations = np.sqrt(np.concatenate([s.moments.variance for s in partitions]), dtype=np.float64)
    batches = len(means)
    nan = np.asarray(np.nan)
    if not means.size:
        return Spread(batches, nan, nan, nan, nan, nan)
    free = degrees_of_freedom(batches, m, n)
    squares = np.square(deviations - deviations.mean(axis=0)).sum(axis=0)
    between = sum(s.energies[0].mean(dtype=np.float64) for s in partitions)
    every = sum(s.energies[1].mean(dtype=np.float64) for s in partitions)
    return Spread(
        batches,
        np.asarray(np.mean(means**2)),
        np.asarray(np.mean(squares / free)),
        kurtosis,
        _noise_to_signal(partitions),
        np.asarray(between / every) if m > 2 else nan,
    )


def _noise_to_signal(partitions: list[_Partition]) -> Array:
    """E_i Var[x_hat_i | i]: half the squared difference between two partitions is unbiased."""
    one, other = partitions[:PARTITIONS]
    both = one.covered & other.covered
    if not both.any():
        return np.asarray(np.nan)
    away = one.x_hat[both] - other.x_hat[both]
    return np.asarray(0.5 * np.mean(away * away, dtype=np.float64))
