"""Noise of batch statistics in one layer; the lines of `measurements/batch_noise.py`.

Numbers round as there; sums of many in double precision are taken in another order.
"""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled_exactly
from caviar.model.kernels.layout import lanes_of
from caviar.model.kernels.vectors import load, root, rounded_product, spread, store
from caviar.model.measurements.batch_noise import (
    FEATURES,
    PARTITIONS,
    ROUNDING,
    Spread,
    degrees_of_freedom,
    must_be_drawable,
    rounds_of,
)


@compiled_exactly
def squares_of_features(h: Array, mean: Array, variance: Array, square: Array) -> None:
    """The mean, the variance and the mean square of every feature, in double precision."""
    count, features = h.shape
    mean[:], variance[:], square[:] = 0, 0, 0
    for i in range(count):
        for f in range(features):
            value = np.float64(h[i, f])
            mean[f] += value
            square[f] += value * value
    for f in range(features):
        mean[f] /= count
        square[f] /= count
    for i in range(count):
        for f in range(features):
            away = h[i, f] - mean[f]
            variance[f] += away * away
    for f in range(features):
        variance[f] /= count


@compiled_exactly
def partition(
    z: Array, order: Array, size: int, row: int, lanes: int, epsilon: Array, x_hat: Array,
    means: Array, variances: Array, fourths: Array,
) -> None:  # fmt: skip
    """Of batches of `size` examples in `order`: mean, variance, x_hat, and the mean of x_hat^4.

    All arrays are flat, with `row` numbers, whole vectors, for each example or batch.
    """
    real = z.dtype.type
    zero, one, count = spread(z, real(0)), spread(z, real(1)), spread(z, real(size))
    for b in range(len(order) // size):
        first = b * size
        for v in range(0, row, lanes):
            mean, variance, fourth = zero, zero, zero
            for i in range(first, first + size):
                mean = mean + load(z, order[i] * row + v)
            mean = mean / count
            for i in range(first, first + size):
                away = load(z, order[i] * row + v) - mean
                variance = variance + rounded_product(away, away)
            variance = variance / count
            inverse = one / root(variance + load(epsilon, v))
            for i in range(first, first + size):
                example = order[i] * row + v
                value = rounded_product(load(z, example) - mean, inverse)
                store(x_hat, example, value)
                square = rounded_product(value, value)
                fourth = fourth + rounded_product(square, square)
            store(means, b * row + v, mean)
            store(variances, b * row + v, variance)
            store(fourths, b * row + v, fourth / count)


@compiled_exactly
def energies_of(
    size: int, epsilon: Array, variances: Array, fourths: Array, deviations: Array
) -> tuple[float, float]:
    """The Jacobian's squared entries off the diagonal and all of them, means over batches and
    features; writes the deviations."""
    real = epsilon.dtype.type
    one, two, count = real(1), real(2), real(size)
    between, every = 0.0, 0.0
    batches, features = deviations.shape
    for b in range(batches):
        for f in range(features):
            variance = variances[b, f]
            deviations[b, f] = np.sqrt(np.float64(variance))
            kept = variance / (variance + epsilon[f])
            between += one + kept * kept - (one + two * kept + fourths[b, f]) / count
            every += real(size - 2) + (one - kept) * (one - kept)
    return between / (batches * features), every / (batches * features)


@compiled_exactly
def variances_of(means: Array, deviations: Array, free: float) -> tuple[float, float]:
    """mean(means^2), and the mean over features of the deviations' squares around their mean."""
    batches, features = means.shape
    of_means, of_deviations = 0.0, 0.0
    centre = np.zeros(features)
    for b in range(batches):
        for f in range(features):
            of_means += np.float64(means[b, f]) * means[b, f]
            centre[f] += deviations[b, f]
    for f in range(features):
        centre[f] /= batches
    for b in range(batches):
        for f in range(features):
            away = deviations[b, f] - centre[f]
            of_deviations += away * away
    return of_means / (batches * features), of_deviations / free / features


@compiled_exactly
def difference(one: Array, other: Array, features: int, first: Array, second: Array) -> float:
    """Half the mean square of `one - other` over the examples that both orders hold."""
    examples = len(one)
    held = np.zeros(examples, np.int64)
    for i in first:
        held[i] += 1
    for i in second:
        held[i] += 1
    total, count = np.zeros(features), 0
    for i in range(examples):
        if held[i] == 2:
            count += 1
            for f in range(features):
                away = one[i, f] - other[i, f]
                total[f] += np.float64(away * away)
    return 0.5 * total.sum() / (count * features) if count else np.nan


def batch_noise(
    h: Array, sizes: tuple[int, ...], epsilon: float, generator: np.random.Generator
) -> dict[int, Spread]:
    """What `caviar.model.measurements.batch_noise.batch_noise` gives, from the same draws."""
    n = len(h)
    if not sizes:
        return {}
    must_be_drawable(sizes, n)
    z, ratio = _standardised(h, epsilon, generator)
    fourth = np.mean(np.square(np.square(z)), dtype=np.float64) if z.size else np.nan
    rounds = {m: rounds_of(m, n) for m in sizes}
    orders = [generator.permutation(n) for _ in range(max(rounds.values()))]
    features, wide = z.shape[1], _padded(z, 0)
    epsilons = _padded(ratio[None], 1)[0]
    return {
        m: _spread(wide, features, epsilons, orders[: rounds[m]], m, float(fourth) - 3)
        for m in sizes
    }


def _standardised(h: Array, epsilon: float, generator: np.random.Generator) -> tuple[Array, Array]:
    drawn = generator.permutation(h.shape[1])
    mean, variance, square = np.empty((3, h.shape[1]))
    squares_of_features(h, mean, variance, square)
    alive = variance > ROUNDING * square
    chosen = drawn[alive[drawn]][:FEATURES]
    z = (h[:, chosen] - mean[chosen]) / np.sqrt(variance[chosen])
    return z.astype(h.dtype), (epsilon / variance[chosen]).astype(h.dtype)


def _padded(rows: Array, rest: float) -> Array:
    """Rows of whole vectors, with `rest` behind them."""
    lanes = lanes_of(rows.dtype)
    wide = np.full((len(rows), -(-rows.shape[1] // lanes) * lanes), rest, rows.dtype)
    wide[:, : rows.shape[1]] = rows
    return wide


def _spread(
    z: Array, features: int, epsilon: Array, orders: list[Array], m: int, kurtosis: float
) -> Spread:
    n, row = z.shape
    each = n // m
    batches, whole = each * len(orders), each * m
    if not features:
        return Spread(batches, *[np.asarray(np.nan)] * 5)
    x_hats = np.empty((PARTITIONS + 1, n, row), z.dtype)
    means, variances, fourths = np.empty((3, batches, row), z.dtype)
    for i, order in enumerate(orders):
        part = slice(i * each, (i + 1) * each)
        written = (array[part].reshape(-1) for array in (means, variances, fourths))
        x_hat = x_hats[min(i, PARTITIONS)].reshape(-1)
        partition(z.reshape(-1), order[:whole], m, row, lanes_of(z.dtype), epsilon, x_hat, *written)
    deviations = np.empty((batches, features))
    between, every = energies_of(m, epsilon, variances, fourths, deviations)
    free = degrees_of_freedom(batches, m, n)
    of_means, of_deviations = variances_of(means[:, :features], deviations, free)
    noise = difference(x_hats[0], x_hats[1], features, orders[0][:whole], orders[1][:whole])
    values = (of_means, of_deviations, kurtosis, noise, between / every if m > 2 else np.nan)
    return Spread(batches, *(np.asarray(value) for value in values))
