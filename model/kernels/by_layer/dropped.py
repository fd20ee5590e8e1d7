"""Dropout behind a norm and its ReLU; the lines of `layers.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import Site
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.steps import Sizes
from caviar.model.layers import Dropout


@compiled
def drop(
    a: Array, layer: Array, above: Array, sizes: Sizes, draws: Array, rate: Any, scale: Any
) -> None:
    """y = y * ((draws >= rate) * scale), of one replica."""
    zero, units = a.dtype.type(0), layer[places.UNITS]
    for i in range(sizes.examples):
        start, drawn = above[places.INPUT] + i * above[places.INPUT_ROW], draws[i]
        y = a[start : start + units]
        for j in range(units):
            y[j] *= scale if drawn[j] >= rate else zero


@compiled
def widen_all(arrays: Array, layer: Array, sizes: Sizes, scale: Any) -> None:
    """slope = slope * scale; where the mask is 0, y is too, and the ReLU's gradient with it."""
    units = layer[places.UNITS]
    for r in range(len(arrays)):
        for i in range(sizes.examples):
            start = layer[places.SLOPE] + i * layer[places.OUTPUT_ROW]
            slope = arrays[r, start : start + units]
            for j in range(units):
                slope[j] *= scale


def dropped(site: Site, dropout: Dropout, generators: Generators) -> Array:
    """Drop what the next layer takes; returns the draws, `(replicas, examples, features)`.

    A replica's numbers are dropped as soon as they are drawn, while both are in the cache.
    """
    shape = len(site.arrays), site.sizes.examples, int(site.layer[places.UNITS])
    draws = np.empty(shape, np.float32)
    rate, scale = np.float32(dropout.rate), site.arrays.dtype.type(dropout.scale)
    for generator, drawn, a in zip(generators, draws, site.arrays, strict=True):
        generator.random(dtype=np.float32, out=drawn)
        drop(a, site.layer, site.above, site.sizes, drawn, rate, scale)
    return draws


def widened(site: Site, dropout: Dropout) -> None:
    """The gradient by what the ReLU gave, from that by what the next layer took."""
    scale = site.arrays.dtype.type(dropout.scale)
    widen_all(site.arrays, site.layer, site.sizes, scale)
