"""Each example normalised by the others of its ghost; the lines of `norms/leave_one_out.py`."""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array, Generators, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site, of_examples
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.steps import Sizes
from caviar.model.kernels.vectors import load, rectified, root, spread, store, where_positive
from caviar.model.norms.standardise import grouped, plain_tape


@compiled
def normalise_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, epsilon: Any, moments: Array,
    moment: int,
) -> None:  # fmt: skip
    """others = maximum(variance - c * c / (m - 1), 0) * m / (m - 1), with c = x - mean
    x_hat = c / sqrt(others + epsilon) * m / (m - 1);  y = maximum(x_hat * gamma + beta, 0)
    """
    lanes, width, size = sizes.lanes, layer[places.VECTORS] * sizes.lanes, sizes.ghost
    row, y_row = layer[places.OUTPUT_ROW], above[places.INPUT_ROW]
    for r in range(len(arrays)):
        a, of_ghosts = arrays[r], moments[r]
        real = a.dtype.type
        zero, one, small = spread(a, real(0)), spread(a, real(1)), spread(a, epsilon)
        share, rest = spread(a, real(1 / size)), spread(a, real(1 / (size - 1)))
        more = spread(a, real(size / (size - 1)))
        for ghost in range(sizes.examples // size):
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
                variance = variance * share
                store(of_ghosts, to + v, mean)
                store(of_ghosts, to + sizes.features + v, variance)
                gamma, beta = load(a, layer[places.GAIN] + v), load(a, layer[places.SHIFT] + v)
                for i in range(size):
                    c, example = load(a, start + i * row) - mean, ghost * size + i
                    others = rectified(variance - c * c * rest) * more
                    inverse = one / root(others + small)
                    z = c * inverse * more
                    store(a, layer[places.INVERSE] + example * width + v, inverse)
                    store(a, start + i * row, z)
                    store(a, above[places.INPUT] + example * y_row + v, rectified(z * gamma + beta))


@compiled
def normalise_backward_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """dz = slope * (y > 0) * gamma;  pull = dz * z * inverse**2
    dx = dz * inverse * m / (m - 1) + (pull / (m - 1) - mean(pull)) * z / inverse
    slope = dx - mean(dx)
    """
    lanes, width, size = sizes.lanes, layer[places.VECTORS] * sizes.lanes, sizes.ghost
    row, y_row = layer[places.OUTPUT_ROW], above[places.INPUT_ROW]
    for r in range(len(arrays)):
        a = arrays[r]
        real = a.dtype.type
        zero, share = spread(a, real(0)), spread(a, real(1 / size))
        rest, more = spread(a, real(1 / (size - 1))), spread(a, real(size / (size - 1)))
        for v in range(0, width, lanes):
            gamma, by_gamma, by_beta = load(a, layer[places.GAIN] + v), zero, zero
            for first in range(0, sizes.examples, size):
                pulls, sums, z_place = zero, zero, layer[places.OUTPUT] + v
                for i in range(first, first + size):
                    along = layer[places.SLOPE] + i * row + v
                    y = load(a, above[places.INPUT] + i * y_row + v)
                    dy, z = where_positive(y, load(a, along)), load(a, z_place + i * row)
                    inverse = load(a, layer[places.INVERSE] + i * width + v)
                    by_beta = by_beta + dy
                    by_gamma = by_gamma + dy * z
                    store(a, along, dy * gamma)
                    pulls = pulls + dy * gamma * z * inverse * inverse
                pulls = pulls * share
                for i in range(first, first + size):
                    along = layer[places.SLOPE] + i * row + v
                    dz, z = load(a, along), load(a, z_place + i * row)
                    inverse = load(a, layer[places.INVERSE] + i * width + v)
                    by_variance = dz * z * inverse * inverse * rest - pulls
                    dx = dz * inverse * more + by_variance * (z / inverse)
                    sums = sums + dx
                    store(a, along, dx)
                sums = sums * share
                for i in range(first, first + size):
                    along = layer[places.SLOPE] + i * row + v
                    store(a, along, load(a, along) - sums)
            store(a, layer[places.GAIN_GRADIENT] + v, by_gamma)
            store(a, layer[places.SHIFT_GRADIENT] + v, by_beta)


def _forward(site: Site, generators: Generators) -> None:
    epsilon = site.arrays.dtype.type(site.normaliser.epsilon)
    normalise_all(
        site.arrays, site.layer, site.above, site.sizes, epsilon, site.moments, site.moment
    )


def _backward(site: Site, kept: Any) -> None:
    normalise_backward_all(site.arrays, site.layer, site.above, site.sizes)


def _tape(site: Site, kept: Any) -> NormTape:
    inverse = site.inverse(site.sizes.examples).copy()
    x_hat, inverse = (grouped(part, site.sizes.ghost) for part in (site.x_hat.copy(), inverse))
    return plain_tape(x_hat, inverse, site.ghost_moments)


LEAVE_ONE_OUT = NormKernel(_forward, _backward, _tape, of_examples)
