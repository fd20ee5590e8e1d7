"""Each example blurred by others drawn for it; the lines of `norms/noise/drawn_ghost_noise.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.distorted import Distorted, distorted
from caviar.model.kernels.by_layer.norm_kernel import Site
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.vectors import load, root, spread, store


@compiled
def blur_all(
    arrays: Array, layer: Array, lanes: int, epsilon: Any, lenders: Array, distortion: Array
) -> None:
    """delta, variance = moments of the lenders' x_hat;  s = sqrt(variance + epsilon * inverse**2)
    scale, shift = 1 / s, -delta / s

    `lenders` is `(replicas, examples, drawn)`, `distortion` `(replicas, examples x 2 x features)`.
    """
    row, width, size = layer[places.OUTPUT_ROW], layer[places.VECTORS] * lanes, lenders.shape[2]
    for r in range(len(arrays)):
        a, to, drawn = arrays[r], distortion[r], lenders[r]
        one, zero = spread(a, a.dtype.type(1)), spread(a, a.dtype.type(0))
        share, small = spread(a, a.dtype.type(1 / size)), spread(a, epsilon)
        for i in range(len(drawn)):
            for v in range(0, width, lanes):
                start, delta, variance = layer[places.OUTPUT] + v, zero, zero
                for j in range(size):
                    delta = delta + load(a, start + drawn[i, j] * row)
                delta = delta * share
                for j in range(size):
                    away = load(a, start + drawn[i, j] * row) - delta
                    variance = variance + away * away
                inverse = load(a, layer[places.INVERSE] + v)
                scale = one / root(variance * share + small * inverse * inverse)
                store(to, 2 * i * width + v, scale)
                store(to, (2 * i + 1) * width + v, zero - delta * scale)


def _blur(site: Site, generators: Generators) -> Distorted:
    norm, examples, dtype = site.normaliser, site.sizes.examples, site.arrays.dtype
    lenders = norm.lenders(generators, examples)
    numbers = np.empty((len(lenders), examples * 2 * site.padded), dtype)
    epsilon = dtype.type(norm.epsilon)
    blur_all(site.arrays, site.layer, site.sizes.lanes, epsilon, lenders, numbers)
    return Distorted(numbers, lenders)


def _alone(site: Site) -> int:
    return 1


DRAWN_GHOST_NOISE = distorted(_blur, _alone)
