"""Norms at frozen weights with the ReLU and the product behind them, some rows at a time.

All arrays are flat, and rows are padded to whole vectors. A norm and its ReLU round as NumPy's
lines do, with sums over examples in their order, as there; products are those of `tiles.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled_exactly
from caviar.model.kernels.products import product
from caviar.model.kernels.vectors import load, rectified, root, rounded_product, spread, store

BLOCK = 96
"""Rows that are normalised before their product is taken: a multiple of a tile's, in the cache."""

FIXED, BATCH, NEXT, EVALNORM = range(4)
"""Which moments a norm takes: given ones; those of each group, which are found; those of the next
group, found before; those of EvalNorm around given ones."""


class Level(NamedTuple):
    """A norm between two products: padded numbers of its row, and where its moments, gain and
    shift lie among those of all norms; the weights above, their rows, inputs and vectors."""

    row: int
    place: int
    weight: int
    weight_row: int
    inputs: int
    vectors: int


class Kind(NamedTuple):
    """The kind of moments, the examples of a group, and EvalNorm's weights of the squared distance
    of an example and of the variance of the others."""

    code: int
    size: int
    itself: Any
    others: Any


@compiled_exactly
def moments_of_groups(
    x: Array, rows: Array, level: Level, size: int, lanes: int, mean: Array, variance: Array,
    every: int,
) -> None:  # fmt: skip
    """mean, variance = batch_moments(x[rows], size); `every` numbers lie from group to group."""
    count, row, real = len(rows), level.row, x.dtype.type
    examples, zero = spread(x, real(size)), spread(x, real(0))
    for group in range(count // size):
        start, into = group * size, group * every + level.place
        for v in range(0, row, lanes):
            store(mean, into + v, zero)
            store(variance, into + v, zero)
        for i in range(start, start + size):
            for v in range(0, row, lanes):
                store(mean, into + v, load(mean, into + v) + load(x, rows[i] * row + v))
        for v in range(0, row, lanes):
            store(mean, into + v, load(mean, into + v) / examples)
        for i in range(start, start + size):
            for v in range(0, row, lanes):
                away = load(x, rows[i] * row + v) - load(mean, into + v)
                square = rounded_product(away, away)
                store(variance, into + v, load(variance, into + v) + square)
        for v in range(0, row, lanes):
            store(variance, into + v, load(variance, into + v) / examples)


@compiled_exactly
def normalise_by_groups(
    x: Array, rows: Array, begin: int, end: int, level: Level, size: int, ahead: int, lanes: int,
    mean: Array, variance: Array, every: int, gain: Array, shift: Array, epsilon: Any,
    factor: Array, a: Array, scratch: int,
) -> None:  # fmt: skip
    """maximum((x - mean) * (gain / sqrt(variance + epsilon)) + shift, 0) of some `rows` of x."""
    row, place, groups, last = level.row, level.place, len(rows) // size, -1
    small = spread(x, epsilon)
    for i in range(begin, end):
        group = (i // size + ahead) % groups
        into = group * every + place
        if group != last:
            for v in range(0, row, lanes):
                deviation = root(load(variance, into + v) + small)
                store(factor, v, load(gain, place + v) / deviation)
            last = group
        from_x, to = rows[i] * row, scratch + (i - begin) * row
        for v in range(0, row, lanes):
            away = load(x, from_x + v) - load(mean, into + v)
            z = rounded_product(away, load(factor, v)) + load(shift, place + v)
            store(a, to + v, rectified(z))


@compiled_exactly
def normalise_given_example(
    x: Array, rows: Array, begin: int, end: int, level: Level, kind: Kind, lanes: int, mean: Array,
    variance: Array, gain: Array, shift: Array, epsilon: Any, a: Array, scratch: int,
) -> None:  # fmt: skip
    """The same by EvalNorm's moments, around `mean` and `variance`.

    away = x - mean;  its mean = mean + away / size
    its variance = others * variance + itself * away * away
    """
    row, place, real = level.row, level.place, x.dtype.type
    small, count = spread(x, epsilon), spread(x, real(kind.size))
    itself, others = spread(x, kind.itself), spread(x, kind.others)
    for i in range(begin, end):
        from_x, to = rows[i] * row, scratch + (i - begin) * row
        for v in range(0, row, lanes):
            h, centre = load(x, from_x + v), load(mean, place + v)
            away = h - centre
            squared = rounded_product(rounded_product(itself, away), away)
            its = rounded_product(others, load(variance, place + v)) + squared
            factor = load(gain, place + v) / root(its + small)
            z = rounded_product(h - (centre + away / count), factor) + load(shift, place + v)
            store(a, to + v, rectified(z))


@compiled_exactly
def upwards(
    a: Array, x: Array, rows: Array, out: int, scratch: int, level: Level, kind: Kind, lanes: int,
    mean: Array, variance: Array, every: int, gain: Array, shift: Array, epsilon: Any,
    factor: Array,
) -> None:  # fmt: skip
    """out = maximum(norm(x[rows]), 0) @ weight, in the order of `rows`."""
    size = len(rows) if kind.code == FIXED or kind.code == EVALNORM else kind.size
    if kind.code == BATCH:
        moments_of_groups(x, rows, level, size, lanes, mean, variance, every)
    for begin in range(0, len(rows), BLOCK):
        end = min(begin + BLOCK, len(rows))
        if kind.code == EVALNORM:
            normalise_given_example(
                x, rows, begin, end, level, kind, lanes, mean, variance, gain, shift, epsilon, a,
                scratch,
            )  # fmt: skip
        else:
            normalise_by_groups(
                x, rows, begin, end, level, size, int(kind.code == NEXT), lanes, mean, variance,
                every, gain, shift, epsilon, factor, a, scratch,
            )  # fmt: skip
        width = level.vectors * lanes
        product(
            a, out + begin * width, width, scratch, level.row, 1, level.weight, level.weight_row,
            end - begin, level.inputs, level.vectors,
        )  # fmt: skip


@compiled_exactly
def moments_in_double(
    x: Array, count: int, row: int, features: int, mean: Array, variance: Array
) -> None:
    """mean, variance = moments_over_examples(x), `(features)` in double precision"""
    mean[:features] = 0
    variance[:features] = 0
    for first in range(0, count * row, row):
        for f in range(features):
            mean[f] += x[first + f]
    for f in range(features):
        mean[f] /= count
    for first in range(0, count * row, row):
        for f in range(features):
            away = x[first + f] - mean[f]
            variance[f] += away * away
    for f in range(features):
        variance[f] /= count


@compiled_exactly
def first_outputs(
    a: Array, features: Array, rows: Array, centre: Array, scale: Array, scratch: int, inputs: int,
    weight: int, weight_row: int, vectors: int, lanes: int, out: Array,
) -> None:  # fmt: skip
    """out = ((features[rows] - centre) * scale) @ weight"""
    width, block = vectors * lanes, scratch + BLOCK * inputs
    for begin in range(0, len(rows), BLOCK):
        end = min(begin + BLOCK, len(rows))
        for i in range(begin, end):
            to = scratch + (i - begin) * inputs
            for f in range(inputs):
                a[to + f] = (a.dtype.type(features[rows[i], f]) - centre[f]) * scale[f]
        product(
            a, block, width, scratch, inputs, 1, weight, weight_row, end - begin, inputs, vectors
        )
        out[begin * width : end * width] = a[block : block + (end - begin) * width]


@compiled_exactly
def logits_of(
    a: Array, levels: Array, weights: Array, x: Array, rows: Array, kind: Kind, lanes: int,
    outs: tuple[int, int], scratch: int, mean: Array, variance: Array, gain: Array, shift: Array,
    epsilon: Any, factor: Array, bias: Array, logits: Array,
) -> None:  # fmt: skip
    """The logits of the examples `rows` of first outputs, one replica after the other.

    `weights` is `(replicas, numbers)`, as `a` holds them at its start; `mean` and `variance`,
    `(replicas, groups x features)`, are given, or written.
    """
    every, (replicas, examples) = gain.shape[1], rows.shape
    for r in range(replicas):
        a[: weights.shape[1]] = weights[r]
        of_replica, below = rows[r], x[r]
        for i in range(len(levels)):
            level = Level(
                levels[i, 0], levels[i, 1], levels[i, 2], levels[i, 3], levels[i, 4], levels[i, 5]
            )
            out = outs[i % 2]
            upwards(
                a, below, of_replica, out, scratch, level, kind, lanes, mean[r], variance[r],
                every, gain[r], shift[r], epsilon, factor,
            )  # fmt: skip
            below, of_replica = a[out:], np.arange(examples)
        width = levels[len(levels) - 1, 5] * lanes
        for i in range(examples):
            for c in range(logits.shape[2]):
                logits[r, i, c] = below[i * width + c] + bias[r, c]
