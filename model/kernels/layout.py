"""Where the numbers of a network lie in the flat array of one replica.

Every row begins on a cache line and is padded with zeros to whole vectors. They stay zero
throughout, so that no kernel needs a remainder.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caviar.model.contract import Array
from caviar.model.kernels import places

LINE = 64
"""Bytes of a cache line, and of a vector."""

SAME_SET = 512
"""Rows a multiple of so many bytes apart share few sets of a cache: they get one line more."""

OF_A_NORM = range(places.GAIN, places.SHIFT_GRADIENT + 1)

OF_A_BIAS = range(places.BIAS, places.BIAS_SECOND + 1)


class Layout(NamedTuple):
    """The table of layers, how many numbers one replica takes, and the features of all norms."""

    layers: NDArray[np.int64]
    size: int
    features: int


class _Space:
    """Places in the flat array, handed out one after the other."""

    def __init__(self, lanes: int) -> None:
        self.lanes, self.size = lanes, 0

    def padded(self, count: int) -> int:
        return -(-count // self.lanes) * self.lanes

    def row(self, count: int) -> int:
        """The distance between rows of so many numbers."""
        padded = self.padded(count)
        return padded + self.lanes * (padded // self.lanes * LINE % SAME_SET == 0)

    def take(self, rows: int, row: int) -> int:
        start = self.size
        self.size += rows * row
        return start


def lanes_of(dtype: DTypeLike) -> int:
    """Numbers in a vector."""
    return LINE // np.dtype(dtype).itemsize


def layout(
    widths: tuple[int, ...],
    examples: int,
    inverses: int,
    dtype: DTypeLike,
    slots: int = 1,
    biased: tuple[bool, ...] = (),
) -> Layout:
    """The layout of dense layers between `widths`, for a forward pass of so many examples.

    `inverses` is the number of rows of inverse deviations, `slots` how many numbers an optimiser
    keeps for each parameter, and `biased` tells which hidden layers have a bias.
    """
    space = _Space(lanes_of(dtype))
    layers = np.zeros((len(widths) - 1, places.COLUMNS), np.int64)
    for layer, inputs, units in zip(layers, widths, widths[1:], strict=False):
        _parameters(space, layer, inputs, units)
    for layer in layers:
        _workspace(space, layer, examples, inverses)
    if slots > 1:
        for layer in layers:
            _second_moments(space, layer)
    for layer, has_bias in zip(layers, biased, strict=False):
        if has_bias:
            _bias(space, layer)
    layers[:, places.GRADIENT] = space.size
    space.size += max(
        int(space.padded(k) * row) for k, row in layers[:, [places.INPUTS, places.WEIGHT_ROW]]
    )
    padded = layers[:, places.VECTORS] * space.lanes
    layers[:, places.MOMENTS] = np.cumsum(padded) - padded
    return Layout(layers, space.size, int(layers[-1, places.MOMENTS]))


def _parameters(space: _Space, layer: Array, inputs: int, units: int) -> None:
    layer[places.INPUTS], layer[places.UNITS] = inputs, units
    layer[places.VECTORS] = space.padded(units) // space.lanes
    layer[places.INPUT_ROW] = space.row(inputs)
    layer[places.WEIGHT_ROW] = layer[places.OUTPUT_ROW] = space.row(units)
    for place in (places.WEIGHT, places.VELOCITY):
        layer[place] = space.take(space.padded(inputs), layer[places.WEIGHT_ROW])
    for place in OF_A_NORM:
        layer[place] = space.take(1, space.padded(units))


def _second_moments(space: _Space, layer: Array) -> None:
    layer[places.SECOND] = space.take(space.padded(layer[places.INPUTS]), layer[places.WEIGHT_ROW])
    for place in (places.GAIN_SECOND, places.SHIFT_SECOND):
        layer[place] = space.take(1, space.padded(layer[places.UNITS]))


def _bias(space: _Space, layer: Array) -> None:
    for place in OF_A_BIAS:
        layer[place] = space.take(1, space.padded(layer[places.UNITS]))


def _workspace(space: _Space, layer: Array, examples: int, inverses: int) -> None:
    units = space.padded(layer[places.UNITS])
    layer[places.INVERSE] = space.take(inverses, units)
    layer[places.INPUT] = space.take(examples, layer[places.INPUT_ROW])
    for place in (places.OUTPUT, places.SLOPE):
        layer[place] = space.take(examples, layer[places.OUTPUT_ROW])
    layer[places.TRANSPOSED] = space.take(units, layer[places.INPUT_ROW])


def aligned(replicas: int, size: int, dtype: DTypeLike) -> Array:
    """Zeros `(replicas, size)`, each replica beginning on a cache line."""
    lanes = lanes_of(dtype)
    row = -(-size // lanes) * lanes
    flat = np.zeros(replicas * row + lanes, dtype)
    start = -flat.ctypes.data % LINE // flat.itemsize
    return flat[start : start + replicas * row].reshape(replicas, row)
