"""Batch norm, and batch norm whose statistics are constants to the backward pass."""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array, Generators, NormTape
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site, of_ghosts
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.norms import normalise, normalise_backward
from caviar.model.kernels.steps import Sizes
from caviar.model.kernels.vectors import load, spread, store, where_positive
from caviar.model.norms.standardise import grouped, plain_tape


@compiled
def normalise_all(
    arrays: Array, layer: Array, above: Array, sizes: Sizes, epsilon: Any, moments: Array,
    moment: int,
) -> None:  # fmt: skip
    """x_hat = standardise(grouped(x, size));  y = maximum(x_hat * gamma + beta, 0)"""
    for r in range(len(arrays)):
        normalise(
            arrays[r], layer[places.OUTPUT], layer[places.OUTPUT_ROW], above[places.INPUT],
            above[places.INPUT_ROW], layer[places.GAIN], layer[places.SHIFT],
            layer[places.INVERSE], sizes.examples, sizes.ghost, layer[places.VECTORS],
            sizes.lanes, epsilon, moments[r], moment + layer[places.MOMENTS], sizes.kept,
            sizes.features,
        )  # fmt: skip


@compiled
def normalise_backward_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """slope = standardise_backward(slope * (y > 0) * gamma)"""
    for r in range(len(arrays)):
        normalise_backward(
            arrays[r], layer[places.SLOPE], layer[places.OUTPUT], layer[places.OUTPUT_ROW],
            above[places.INPUT], above[places.INPUT_ROW], layer[places.GAIN],
            layer[places.INVERSE], layer[places.GAIN_GRADIENT], layer[places.SHIFT_GRADIENT],
            sizes.examples, sizes.ghost, layer[places.VECTORS], sizes.lanes,
        )  # fmt: skip


@compiled
def stopped_backward_all(arrays: Array, layer: Array, above: Array, sizes: Sizes) -> None:
    """slope = slope * (y > 0) * gamma * inverse_deviation"""
    lanes, width = sizes.lanes, layer[places.VECTORS] * sizes.lanes
    for r in range(len(arrays)):
        a = arrays[r]
        zero = spread(a, a.dtype.type(0))
        for v in range(0, width, lanes):
            gamma, by_gamma, by_beta = load(a, layer[places.GAIN] + v), zero, zero
            for i in range(sizes.examples):
                along = i * layer[places.OUTPUT_ROW] + v
                y = load(a, above[places.INPUT] + i * above[places.INPUT_ROW] + v)
                dy = where_positive(y, load(a, layer[places.SLOPE] + along))
                by_beta = by_beta + dy
                by_gamma = by_gamma + dy * load(a, layer[places.OUTPUT] + along)
                inverse = load(a, layer[places.INVERSE] + i // sizes.ghost * width + v)
                store(a, layer[places.SLOPE] + along, dy * gamma * inverse)
            store(a, layer[places.GAIN_GRADIENT] + v, by_gamma)
            store(a, layer[places.SHIFT_GRADIENT] + v, by_beta)


def standardised(site: Site, generators: Generators) -> None:
    """The forward pass of batch norm."""
    epsilon = site.arrays.dtype.type(site.normaliser.epsilon)
    normalise_all(
        site.arrays, site.layer, site.above, site.sizes, epsilon, site.moments, site.moment
    )


def plain_tape_of(site: Site, kept: Any) -> NormTape:
    """The tape of a norm whose z is x_hat itself."""
    x_hat = grouped(site.x_hat.copy(), site.sizes.ghost)
    return plain_tape(x_hat, site.inverse(site.ghosts)[:, :, None].copy(), site.ghost_moments)


def _backward(site: Site, kept: Any) -> None:
    normalise_backward_all(site.arrays, site.layer, site.above, site.sizes)


def _stopped(site: Site, kept: Any) -> None:
    stopped_backward_all(site.arrays, site.layer, site.above, site.sizes)


BATCH = NormKernel(standardised, _backward, plain_tape_of, of_ghosts)

STOP_GRADIENT = NormKernel(standardised, _stopped, plain_tape_of, of_ghosts)
