"""Each ghost normalised by another one; the lines of `norms/other_examples.py`."""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array, Generators
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site, of_ghosts
from caviar.model.kernels.by_layer.plain import plain_tape_of
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.steps import Sizes
from caviar.model.kernels.vectors import load, rectified, root, spread, store, where_positive


@compiled
def normalise_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, epsilon: Any, moments: Array,
    moment: int,
) -> None:  # fmt: skip
    """x_hat = (x - mean of the lender) * its inverse deviation
    y = maximum(x_hat * gamma + beta, 0)

    The lender of a ghost of the first half is the one that is as far in the second half.
    """
    lanes, width, size = sizes.lanes, layer[places.VECTORS] * sizes.lanes, sizes.ghost
    row, ghosts = layer[places.OUTPUT_ROW], sizes.examples // sizes.ghost
    for r in range(len(arrays)):
        a, of_ghosts = arrays[r], moments[r]
        zero, one = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(1))
        share, small = spread(a, a.dtype.type(1 / size)), spread(a, epsilon)
        for ghost in range(ghosts - 1, -1, -1):  # Lenders come first.
            to = moment + layer[places.MOMENTS] + 2 * ghost * sizes.features
            for v in range(0, width, lanes):
                start = layer[places.OUTPUT] + ghost * size * row + v
                mean, variance = zero, zero
                for i in range(size):
                    mean = mean + load(a, start + i * row)
                mean = mean * share
                for i in range(size):
                    away = load(a, start + i * row) - mean
                    variance = variance + away * away
                store(of_ghosts, to + v, mean)
                store(of_ghosts, to + sizes.features + v, variance * share)
                inverse = one / root(variance * share + small)
                if ghost < ghosts // 2:
                    lender = ghosts // 2
                    mean = load(of_ghosts, to + 2 * lender * sizes.features + v)
                    inverse = load(a, layer[places.INVERSE] + (ghost + lender) * width + v)
                store(a, layer[places.INVERSE] + ghost * width + v, inverse)
                gamma, beta = load(a, layer[places.GAIN] + v), load(a, layer[places.SHIFT] + v)
                y = above[places.INPUT] + ghost * size * above[places.INPUT_ROW] + v
                for i in range(size):
                    x_hat = (load(a, start + i * row) - mean) * inverse
                    store(a, start + i * row, x_hat)
                    store(a, y + i * above[places.INPUT_ROW], rectified(x_hat * gamma + beta))


@compiled
def normalise_backward_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """dz = slope * (y > 0) * gamma;  slope = dz * inverse for a borrower, and for its lender
    (dz - mean(dz) - x_hat * mean(dz * x_hat)) * inverse, with the sums of both in both means
    """
    lanes, width, size = sizes.lanes, layer[places.VECTORS] * sizes.lanes, sizes.ghost
    row, y_row = layer[places.OUTPUT_ROW], above[places.INPUT_ROW]
    half = sizes.examples // 2
    for r in range(len(arrays)):
        a = arrays[r]
        zero, share = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(1 / size))
        for v in range(0, width, lanes):
            gamma, by_gamma, by_beta = load(a, layer[places.GAIN] + v), zero, zero
            for first in range(0, half, size):
                inverse = load(a, layer[places.INVERSE] + first // size * width + v)
                sums, products = zero, zero
                for start in (first, first + half):
                    for i in range(start, start + size):
                        along = i * row + v
                        y = load(a, above[places.INPUT] + i * y_row + v)
                        dy = where_positive(y, load(a, layer[places.SLOPE] + along))
                        x_hat = load(a, layer[places.OUTPUT] + along)
                        by_beta = by_beta + dy
                        by_gamma = by_gamma + dy * x_hat
                        sums = sums + dy * gamma
                        products = products + dy * gamma * x_hat
                        store(a, layer[places.SLOPE] + along, dy * gamma * inverse)
                mean, product = sums * share * inverse, products * share * inverse
                for i in range(first + half, first + half + size):
                    along = i * row + v
                    x_hat = load(a, layer[places.OUTPUT] + along)
                    dx = load(a, layer[places.SLOPE] + along) - mean - x_hat * product
                    store(a, layer[places.SLOPE] + along, dx)
            store(a, layer[places.GAIN_GRADIENT] + v, by_gamma)
            store(a, layer[places.SHIFT_GRADIENT] + v, by_beta)


def _forward(site: Site, generators: Generators) -> None:
    if site.ghosts % 2:
        raise ValueError(
            f"{site.ghosts} ghost batches are an odd number: each needs another to lend its "
            "statistics"
        )
    epsilon = site.arrays.dtype.type(site.normaliser.epsilon)
    normalise_all(
        site.arrays, site.layer, site.above, site.sizes, epsilon, site.moments, site.moment
    )


def _backward(site: Site, kept: Any) -> None:
    normalise_backward_all(site.arrays, site.layer, site.above, site.sizes)


OTHER_EXAMPLES = NormKernel(_forward, _backward, plain_tape_of, of_ghosts)
