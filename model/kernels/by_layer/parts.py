"""The parts of a training step around its norms, each for all replicas; the lines of `steps.py`."""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array
from caviar.model.kernels import places
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.losses import cross_entropy_and_gradient
from caviar.model.kernels.products import product
from caviar.model.kernels.steps import (
    Sizes,
    bias_gradient,
    gather,
    input_slope,
    step_others,
    step_weights_and_measure,
)
from caviar.model.kernels.vectors import load, store


@compiled
def take_examples(
    arrays: Array, layer: Array, features: Array, rows: Array, centre: Array, scale: Array
) -> None:
    """x = (features[rows] - centre) * scale, into the input of the first layer."""
    for r in range(len(arrays)):
        gather(arrays[r], layer, features, rows[r], centre[r], scale[r])


@compiled
def dense(arrays: Array, layer: Array, sizes: Sizes) -> None:
    """output = input @ weight, and the bias where a norm behind it keeps one"""
    for r in range(len(arrays)):
        a = arrays[r]
        product(
            a, layer[places.OUTPUT], layer[places.OUTPUT_ROW], layer[places.INPUT],
            layer[places.INPUT_ROW], 1, layer[places.WEIGHT], layer[places.WEIGHT_ROW],
            sizes.examples, layer[places.INPUTS], layer[places.VECTORS],
        )  # fmt: skip
        if layer[places.BIAS]:
            for i in range(sizes.examples):
                start = layer[places.OUTPUT] + i * layer[places.OUTPUT_ROW]
                for v in range(0, layer[places.VECTORS] * sizes.lanes, sizes.lanes):
                    store(a, start + v, load(a, start + v) + load(a, layer[places.BIAS] + v))


@compiled
def losses_of(arrays: Array, top: Array, labels: Array, sizes: Sizes, losses: Array) -> None:
    """The loss of each replica, and the gradients by the logits and by the last bias."""
    for r in range(len(arrays)):
        losses[r] = cross_entropy_and_gradient(
            arrays[r], top[places.OUTPUT], top[places.OUTPUT_ROW], top[places.SHIFT],
            top[places.SLOPE], labels[r], sizes.scored, sizes.examples, top[places.UNITS],
        )  # fmt: skip
        bias_gradient(arrays[r], top, sizes.scored, sizes.lanes)


@compiled
def slope_below(arrays: Array, layer: Array, below: Array, sizes: Sizes) -> None:
    """below = slope @ weight.T"""
    for r in range(len(arrays)):
        input_slope(arrays[r], layer, below, sizes)


@compiled
def descend(
    arrays: Array, layer: Array, bias: Array, has_gain: bool, sizes: Sizes, factors: Any,
    rate: Any, squares: Array,
) -> None:  # fmt: skip
    """Every parameter of a layer takes its step; `squares`, `(replicas, 2)`, as in `steps.py`.

    `bias` is the layer as one with a bias in the place of a shift (`bias_of`).
    """
    for r in range(len(arrays)):
        step_weights_and_measure(arrays[r], layer, sizes, factors, rate, squares[r])
        step_others(arrays[r], layer, has_gain, sizes, factors, rate, squares[r])
        if layer[places.BIAS]:
            bias_gradient(arrays[r], bias, sizes.examples, sizes.lanes)
            step_others(arrays[r], bias, False, sizes, factors, rate, squares[r])


def bias_of(layer: Array) -> Array:
    """The table's row with the places of its bias where those of a shift are."""
    row = layer.copy()
    row[[places.SHIFT, places.SHIFT_VELOCITY, places.SHIFT_GRADIENT, places.SHIFT_SECOND]] = row[
        [places.BIAS, places.BIAS_VELOCITY, places.BIAS_GRADIENT, places.BIAS_SECOND]
    ]
    return row
