"""Norms that put x_hat through a scale and a shift; the lines of `norms/distorted.py`.

The scale and the shift of each group of examples come from the lines of the norm itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site, of_ghosts
from caviar.model.kernels.by_layer.plain import plain_tape_of, standardised
from caviar.model.kernels.compiling import compiled, compiled_exactly
from caviar.model.kernels.steps import Sizes
from caviar.model.kernels.vectors import (
    load,
    rectified,
    rounded_product,
    spread,
    store,
    where_positive,
)
from caviar.model.norms.distorted import distort
from caviar.model.norms.standardise import grouped


class Distorted(NamedTuple):
    """Scale and shift of each group of examples, `(replicas, groups x 2 x padded features)`, and
    the examples drawn for each example, in the arm that draws them."""

    numbers: Array
    lenders: Array | None = None


Distortion = Callable[[Site, Generators], Distorted]
"""Makes them after x_hat was computed."""


@compiled_exactly
def distort_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, shared: int, distortion: Array
) -> None:
    """z = x_hat * scale + shift, where small differences of large numbers round as in NumPy
    y = maximum(z * gamma + beta, 0)

    `distortion` is `(replicas, groups x 2 x features)`: scales, then shifts.
    """
    lanes, width = sizes.lanes, layer[places.VECTORS] * sizes.lanes
    for r in range(len(arrays)):
        a, of_groups = arrays[r], distortion[r]
        for start in range(0, sizes.examples, shared):
            group = start // shared * 2 * width
            for v in range(0, width, lanes):
                scale, shift = load(of_groups, group + v), load(of_groups, group + width + v)
                gamma, beta = load(a, layer[places.GAIN] + v), load(a, layer[places.SHIFT] + v)
                for i in range(start, min(start + shared, sizes.examples)):
                    x_hat = load(a, layer[places.OUTPUT] + i * layer[places.OUTPUT_ROW] + v)
                    y = above[places.INPUT] + i * above[places.INPUT_ROW] + v
                    z = rounded_product(x_hat, scale) + shift
                    store(a, y, rectified(z * gamma + beta))


@compiled
def distort_backward_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, shared: int, distortion: Array
) -> None:
    """dy = slope * (y > 0);  slope = standardise_backward(dy * gamma * scale)"""
    lanes, width = sizes.lanes, layer[places.VECTORS] * sizes.lanes
    row, y_row = layer[places.OUTPUT_ROW], above[places.INPUT_ROW]
    for r in range(len(arrays)):
        a, of_groups = arrays[r], distortion[r]
        zero, share = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(1 / sizes.ghost))
        for v in range(0, width, lanes):
            gamma, by_gamma, by_beta = load(a, layer[places.GAIN] + v), zero, zero
            for ghost in range(sizes.examples // sizes.ghost):
                first = ghost * sizes.ghost
                end = first + sizes.ghost
                sums, products = zero, zero
                for start in range(first, end, shared):
                    group = start // shared * 2 * width + v
                    scale, shift = load(of_groups, group), load(of_groups, group + width)
                    for i in range(start, min(start + shared, end)):
                        along = i * row + v
                        y = load(a, above[places.INPUT] + i * y_row + v)
                        dy = where_positive(y, load(a, layer[places.SLOPE] + along))
                        x_hat = load(a, layer[places.OUTPUT] + along)
                        by_beta = by_beta + dy
                        by_gamma = by_gamma + dy * (x_hat * scale + shift)
                        dx_hat = dy * gamma * scale
                        sums = sums + dx_hat
                        products = products + dx_hat * x_hat
                        store(a, layer[places.SLOPE] + along, dx_hat)
                mean, product = sums * share, products * share
                inverse = load(a, layer[places.INVERSE] + ghost * width + v)
                for i in range(first, end):
                    along = i * row + v
                    x_hat = load(a, layer[places.OUTPUT] + along)
                    dx = load(a, layer[places.SLOPE] + along) - mean - x_hat * product
                    store(a, layer[places.SLOPE] + along, dx * inverse)
            store(a, layer[places.GAIN_GRADIENT] + v, by_gamma)
            store(a, layer[places.SHIFT_GRADIENT] + v, by_beta)


@compiled
def moments_of_groups(
    arrays: Array, layer: Array, size: int, lanes: int, mean: Array, variance: Array
) -> None:
    """Statistics of x_hat in whole groups of `size`, `(replicas, groups, padded features)`."""
    row, width = layer[places.OUTPUT_ROW], layer[places.VECTORS] * lanes
    for r in range(len(arrays)):
        a = arrays[r]
        share = spread(a, a.dtype.type(1 / size))
        for group in range(mean.shape[1]):
            means, variances = mean[r, group], variance[r, group]
            start = layer[places.OUTPUT] + group * size * row
            for v in range(0, width, lanes):
                sums = spread(a, a.dtype.type(0))
                squares = sums
                for i in range(size):
                    sums = sums + load(a, start + i * row + v)
                centre = sums * share
                for i in range(size):
                    away = load(a, start + i * row + v) - centre
                    squares = squares + away * away
                store(means, v, centre)
                store(variances, v, squares * share)


def distorted(distortion: Distortion, shared: Callable[[Site], int]) -> NormKernel:
    """The kernel of a norm with this scale and shift, which `shared` consecutive examples share."""

    def forward(site: Site, generators: Generators) -> Distorted:
        standardised(site, generators)
        kept = distortion(site, generators)
        distort_all(site.arrays, site.layer, site.above, site.sizes, shared(site), kept.numbers)
        return kept

    def backward(site: Site, kept: Distorted) -> None:
        distort_backward_all(
            site.arrays, site.layer, site.above, site.sizes, shared(site), kept.numbers
        )

    def tape(site: Site, kept: Distorted) -> NormTape:
        numbers = kept.numbers.reshape(len(kept.numbers), -1, 2, site.padded)
        parts = numbers[..., : site.layer[places.UNITS]]
        each = np.repeat(parts, shared(site), axis=1)[:, : site.sizes.examples]
        scale, shift = (grouped(each[:, :, k], site.sizes.ghost) for k in range(2))
        return distort(plain_tape_of(site, None), scale, shift)._replace(lenders=kept.lenders)

    return NormKernel(forward, backward, tape, of_ghosts)


def shared_draw(site: Site) -> int:
    """As the norm says."""
    shared: int = site.normaliser.shared_draw(site.sizes.examples)
    return shared


def _padded(site: Site, scale: Array, shift: Array) -> Distorted:
    """From arrays `(replicas, groups, features)`."""
    replicas, groups, units = scale.shape
    numbers = np.zeros((replicas, groups, 2, site.padded), scale.dtype)
    numbers[:, :, 0, :units], numbers[:, :, 1, :units] = scale, shift
    return Distorted(numbers.reshape(replicas, -1))


def _by_averages(site: Site, generators: Generators) -> Distorted:
    inverse = site.inverse(site.ghosts)[:, :, None]
    r, d = site.normaliser.correction(site.parameters, inverse, site.ghost_moments)
    return _padded(site, r[:, :, 0], d[:, :, 0])


def _drawn(site: Site, generators: Generators) -> Distorted:
    units, dtype = int(site.layer[places.UNITS]), site.arrays.dtype
    return _padded(site, *site.normaliser.drawn(generators, site.sizes.examples, units, dtype))


def _lent(site: Site, generators: Generators) -> Distorted:
    examples, units = site.sizes.examples, site.layer[places.UNITS]
    shape = len(site.arrays), site.normaliser.lenders(examples), site.padded
    mean, variance = (np.zeros(shape, site.arrays.dtype) for _ in range(2))
    moments_of_groups(site.arrays, site.layer, shared_draw(site), site.sizes.lanes, mean, variance)
    ghosts = Moments(mean[..., :units], variance[..., :units])
    return _padded(site, *site.normaliser.lent(examples, ghosts, site.inverse(1)))


RENORM = distorted(_by_averages, shared_draw)
NOISE = distorted(_drawn, shared_draw)
GHOST_NOISE = distorted(_lent, shared_draw)
