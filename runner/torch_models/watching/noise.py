"""Noise of batch statistics in one layer of a model, whose examples may have many positions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.measurements.batch_noise import NOISE_BATCHES, PARTITIONS


class ByExample(NamedTuple):
    """Means over the positions of each example, `(examples, features)`, in population units.

    Of z, the input less the population mean over the population deviation, and of its square;
    `ratio` is epsilon over the population variance, `(features,)`.
    """

    mean: Array
    square: Array
    ratio: Array


def layer_noise(
    inputs: ByExample, sizes: tuple[int, ...], generator: np.random.Generator
) -> dict[int, dict[str, float]]:
    """Columns of the table `noise` by batch size, as `batch_noise` has them for one position.

    Batches are disjoint parts of random permutations of the examples, as many as give
    `NOISE_BATCHES` batches. Sizes above the number of examples are left out.
    """
    count = len(inputs.mean)
    sizes = tuple(m for m in sizes if m <= count)
    if not sizes or not inputs.mean.size:
        return {}
    rounds = {m: max(PARTITIONS, -(-NOISE_BATCHES // (count // m))) for m in sizes}
    orders = [generator.permutation(count) for _ in range(max(rounds.values()))]
    return {m: _columns(inputs, m, orders[: rounds[m]]) for m in sizes}


def _columns(inputs: ByExample, m: int, orders: list[Array]) -> dict[str, float]:
    count = len(inputs.mean)
    whole = count // m * m
    parts = [order[:whole].reshape(-1, m) for order in orders]
    means = np.concatenate([inputs.mean[part].mean(axis=1) for part in parts])
    squares = np.concatenate([inputs.square[part].mean(axis=1) for part in parts])
    variances = np.maximum(squares - means**2, 0)
    deviations = np.sqrt(variances)
    # As in `batch_noise`: disjoint batches of one permutation correlate by -m / (n - m).
    free = len(means) - 1 + (count // m - 1) * m / max(count - m, 1)
    away = np.square(deviations - deviations.mean(axis=0)).sum(axis=0)
    return {
        "batches": len(means),
        "mean_variance": float(np.mean(means**2)),
        "deviation_variance": float(np.mean(away / free)),
        "noise_to_signal": _noise_to_signal(inputs, parts[:PARTITIONS], means, variances),
    }


def _noise_to_signal(
    inputs: ByExample, parts: list[Array], means: Array, variances: Array
) -> float:
    """Half the mean squared difference of an example's normalised values in two partitions."""
    count, batches = len(inputs.mean), len(parts[0])
    scale, shift = np.full((2, 2, *inputs.mean.shape), np.nan)
    for p, part in enumerate(parts):
        here = slice(p * batches, (p + 1) * batches)
        factor = 1 / np.sqrt(variances[here] + inputs.ratio)
        scale[p][part] = factor[:, None]
        shift[p][part] = (factor * means[here])[:, None]
    both = np.isfinite(scale).all(axis=(0, 2)) if count else np.zeros(0, bool)
    if not both.any():
        return float("nan")
    a, c = (scale[0] - scale[1])[both], (shift[0] - shift[1])[both]
    squared = a * a * inputs.square[both] - 2 * a * c * inputs.mean[both] + c * c
    return float(0.5 * squared.mean())
