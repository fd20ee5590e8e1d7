"""Norms over features of one example, layer and group norm, and no norm at all.

The lines of `norms/layer_norm.py` and `norms/group_norm.py`. Groups need not fill whole vectors:
what is left of a group is taken number by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from caviar.model.contract import Array, Generators, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site, of_examples, of_ghosts
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.steps import Sizes
from caviar.model.kernels.vectors import load, rectified, spread, store, total, where_positive
from caviar.model.norms.standardise import plain_tape


@compiled
def standardise_group(a: Array, start: int, size: int, lanes: int, epsilon: Any) -> Any:
    """`size` numbers from `start` on, less their mean, times the inverse deviation it returns."""
    whole, zero = size // lanes * lanes, spread(a, a.dtype.type(0))
    sums, rest = zero, a.dtype.type(0)
    for f in range(0, whole, lanes):
        sums = sums + load(a, start + f)
    for f in range(whole, size):
        rest += a[start + f]
    mean = (total(sums) + rest) * a.dtype.type(1 / size)
    means, squares, rest = spread(a, mean), zero, a.dtype.type(0)
    for f in range(0, whole, lanes):
        away = load(a, start + f) - means
        store(a, start + f, away)
        squares = squares + away * away
    for f in range(whole, size):
        a[start + f] -= mean
        rest += a[start + f] * a[start + f]
    variance = (total(squares) + rest) * a.dtype.type(1 / size)
    inverse = a.dtype.type(1) / math.sqrt(variance + epsilon)
    for f in range(0, whole, lanes):
        store(a, start + f, load(a, start + f) * spread(a, inverse))
    for f in range(whole, size):
        a[start + f] *= inverse
    return inverse


@compiled
def standardise_group_backward(
    a: Array, slope: int, x_hat: int, size: int, lanes: int, inverse: Any
) -> None:
    """slope = (slope - mean(slope) - x_hat * mean(slope * x_hat)) * inverse"""
    whole, zero = size // lanes * lanes, spread(a, a.dtype.type(0))
    sums, products = zero, zero
    rest, rest_of_products = a.dtype.type(0), a.dtype.type(0)
    for f in range(0, whole, lanes):
        one = load(a, slope + f)
        sums = sums + one
        products = products + one * load(a, x_hat + f)
    for f in range(whole, size):
        rest += a[slope + f]
        rest_of_products += a[slope + f] * a[x_hat + f]
    share = a.dtype.type(1 / size)
    mean, along = (total(sums) + rest) * share, (total(products) + rest_of_products) * share
    for f in range(0, whole, lanes):
        dx = load(a, slope + f) - spread(a, mean) - load(a, x_hat + f) * spread(a, along)
        store(a, slope + f, dx * spread(a, inverse))
    for f in range(whole, size):
        a[slope + f] = (a[slope + f] - mean - a[x_hat + f] * along) * inverse


@compiled
def normalise_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, size: int, epsilon: Any
) -> None:
    """x_hat: groups of `size` features standardised;  y = maximum(x_hat * gamma + beta, 0)"""
    lanes, width = sizes.lanes, layer[places.VECTORS] * sizes.lanes
    for r in range(len(arrays)):
        a = arrays[r]
        for i in range(sizes.examples):
            start = layer[places.OUTPUT] + i * layer[places.OUTPUT_ROW]
            to = above[places.INPUT] + i * above[places.INPUT_ROW]
            inverse = layer[places.INVERSE] + i * width
            for group in range(layer[places.UNITS] // size):
                a[inverse + group] = standardise_group(
                    a, start + group * size, size, lanes, epsilon
                )
            for v in range(0, width, lanes):
                gamma, beta = load(a, layer[places.GAIN] + v), load(a, layer[places.SHIFT] + v)
                store(a, to + v, rectified(load(a, start + v) * gamma + beta))


@compiled
def normalise_backward_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, size: int
) -> None:
    """dz = slope * (y > 0) * gamma, and back through each group."""
    lanes, width = sizes.lanes, layer[places.VECTORS] * sizes.lanes
    row = layer[places.OUTPUT_ROW]
    for r in range(len(arrays)):
        a = arrays[r]
        zero = spread(a, a.dtype.type(0))
        for v in range(0, width, lanes):
            gamma, by_gamma, by_beta = load(a, layer[places.GAIN] + v), zero, zero
            for i in range(sizes.examples):
                along = i * row + v
                y = load(a, above[places.INPUT] + i * above[places.INPUT_ROW] + v)
                dy = where_positive(y, load(a, layer[places.SLOPE] + along))
                by_beta = by_beta + dy
                by_gamma = by_gamma + dy * load(a, layer[places.OUTPUT] + along)
                store(a, layer[places.SLOPE] + along, dy * gamma)
            store(a, layer[places.GAIN_GRADIENT] + v, by_gamma)
            store(a, layer[places.SHIFT_GRADIENT] + v, by_beta)
        for i in range(sizes.examples):
            for group in range(layer[places.UNITS] // size):
                first = i * row + group * size
                standardise_group_backward(
                    a, layer[places.SLOPE] + first, layer[places.OUTPUT] + first, size, lanes,
                    a[layer[places.INVERSE] + i * width + group],
                )  # fmt: skip


@compiled
def rectify_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """y = maximum(x, 0)"""
    for r in range(len(arrays)):
        a = arrays[r]
        for i in range(sizes.examples):
            start = layer[places.OUTPUT] + i * layer[places.OUTPUT_ROW]
            to = above[places.INPUT] + i * above[places.INPUT_ROW]
            for v in range(0, layer[places.VECTORS] * sizes.lanes, sizes.lanes):
                store(a, to + v, rectified(load(a, start + v)))


@compiled
def rectify_backward_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """slope = slope * (y > 0)"""
    for r in range(len(arrays)):
        a = arrays[r]
        for i in range(sizes.examples):
            along = layer[places.SLOPE] + i * layer[places.OUTPUT_ROW]
            y = above[places.INPUT] + i * above[places.INPUT_ROW]
            for v in range(0, layer[places.VECTORS] * sizes.lanes, sizes.lanes):
                store(a, along + v, where_positive(load(a, y + v), load(a, along + v)))


def over_features(size_of: Callable[[Any, int], int]) -> NormKernel:
    """The kernel of a norm over groups of so many features, by the normaliser and all features."""

    def size(site: Site) -> int:
        return size_of(site.normaliser, int(site.layer[places.UNITS]))

    def forward(site: Site, generators: Generators) -> None:
        epsilon = site.arrays.dtype.type(site.normaliser.epsilon)
        normalise_all(site.arrays, site.layer, site.above, site.sizes, size(site), epsilon)

    def backward(site: Site, kept: Any) -> None:
        normalise_backward_all(site.arrays, site.layer, site.above, site.sizes, size(site))

    def tape(site: Site, kept: Any) -> NormTape:
        examples, x_hat = site.sizes.examples, site.x_hat.copy()
        groups = x_hat.shape[2] // size(site)
        inverse = site.inverse(examples)[:, :, :groups].copy()
        shape = len(x_hat), examples * groups, -1, 1
        return plain_tape(x_hat.reshape(shape), inverse.reshape(shape), None)

    return NormKernel(forward, backward, tape, of_examples)


def _rectify(site: Site, generators: Generators) -> None:
    rectify_all(site.arrays, site.layer, site.above, site.sizes)


def _rectify_backward(site: Site, kept: Any) -> None:
    rectify_backward_all(site.arrays, site.layer, site.above, site.sizes)


def _no_tape(site: Site, kept: Any) -> NormTape:
    raise LookupError("where there is no norm there is no tape of one")


LAYER = over_features(lambda norm, features: features)
GROUP = over_features(lambda norm, features: norm.of_a_group(features))
NO_NORM = NormKernel(_rectify, _rectify_backward, _no_tape, of_ghosts)
