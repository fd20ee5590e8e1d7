"""Products of matrices by tiles that fit into registers.

A tile is some rows by some vectors of a product. Its sums stay in registers while one pass goes
over the inner dimension; then they are stored, or become a step of momentum at once. All matrices
lie in one flat array: a place, and the distance from a row to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic

from caviar.model.kernels.vectors import FUSED, Vector, broadcast, exchanged, place, read, write

TALL = (6, 2, 1)
"""Rows of a tile, largest first."""

WIDE = (4, 1) if get_host_cpu_features().get("avx512f") else (1,)
"""Vectors of a tile: 24 sums, 4 vectors and a number fit into 32 registers of 64 bytes; with
shorter or fewer registers, 6 vectors do."""


class Matrix:
    """A matrix in the flat array: its first address, and the distance between rows."""

    def __init__(self, builder: Any, address: Any, stride: Any, kind: Any) -> None:
        self.builder, self.address, self.stride, self.kind = builder, address, stride, kind

    def line(self, row: Any, vector: Any) -> Any:
        """The address of a vector of a row."""
        lanes = self.stride.type(self.kind.count)
        within = self.builder.mul(vector, lanes)
        return self.builder.gep(
            self.address, [self.builder.add(self.builder.mul(row, self.stride), within)]
        )

    def read(self, row: Any, vector: Any) -> Any:
        return read(self.builder, self.line(row, vector), self.kind)


class Tile:
    """Some rows by some vectors of a product, from a row and a vector on."""

    def __init__(self, rows: int, vectors: int, row: Any, vector: Any, builder: Any) -> None:
        index = row.type
        self.rows = [builder.add(row, index(r)) for r in range(rows)]
        self.vectors = [builder.add(vector, index(v)) for v in range(vectors)]
        self.builder = builder

    def sums(self, left: Any, row: Any, inner: Any, right: Matrix, depth: Any) -> list[list[Any]]:
        """The tile of `left @ right`.

        In `left`, rows are `row` apart and the inner dimension `inner`.
        """
        builder, kind = self.builder, right.kind
        zero = ir.Constant(kind, None)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in self.vectors] for _ in self.rows]
        with cgutils.for_range(builder, depth, intp=depth.type) as loop:
            vectors = [right.read(loop.index, v) for v in self.vectors]
            column = builder.mul(loop.index, inner)
            for r, of_row in zip(self.rows, sums, strict=True):
                number = builder.gep(left, [builder.add(builder.mul(r, row), column)])
                factor = broadcast(builder, builder.load(number), kind)
                for vector, one in zip(vectors, of_row, strict=True):
                    builder.store(fused(builder, factor, vector, builder.load(one)), one)
        return [[builder.load(one) for one in of_row] for of_row in sums]


def over_tiles(builder: Any, rows: Any, vectors: Any, emit: Callable[[Tile], None]) -> None:
    """Cut a product into tiles, as large as possible; `emit` writes the code of one."""

    def across(vector: Any, wide: int) -> None:
        over(builder, rows, TALL, lambda row, tall: emit(Tile(tall, wide, row, vector, builder)))

    over(builder, vectors, WIDE, across)


def over(
    builder: Any, count: Any, sizes: tuple[int, ...], emit: Callable[[Any, int], None]
) -> None:
    """Code that goes over `count` in steps of the first size, then over the rest in the next."""
    index = count.type
    start = index(0)
    for size in sizes:
        steps = builder.udiv(builder.sub(count, start), index(size))
        end = builder.add(start, builder.mul(steps, index(size)))
        with cgutils.for_range_slice(builder, start, end, index(size), intp=index) as (tile, _):
            emit(tile, size)
        start = end


def fused(builder: Any, factor: Any, vector: Any, summand: Any) -> Any:
    """`factor * vector + summand`."""
    return builder.fadd(builder.fmul(factor, vector, flags=FUSED), summand, flags=FUSED)


@intrinsic
def tiled_product(
    typing: Any, array: Any, out: Any, out_row: Any, left: Any, left_row: Any, left_inner: Any,
    right: Any, right_row: Any, rows: Any, depth: Any, vectors: Any,
) -> Any:  # fmt: skip
    """out = left @ right, of `rows` by `vectors`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, *places = arguments
        out, out_row, left, left_row, left_inner, right, right_row, rows, depth, vectors = places
        kind = context.get_value_type(Vector(array.dtype))
        out, left, right = (place(context, builder, array, values, x) for x in (out, left, right))
        target = Matrix(builder, out, out_row, kind)
        factor = Matrix(builder, right, right_row, kind)

        def emit(tile: Tile) -> None:
            sums = tile.sums(left, left_row, left_inner, factor, depth)
            for row, of_row in zip(tile.rows, sums, strict=True):
                for vector, one in zip(tile.vectors, of_row, strict=True):
                    write(builder, target.line(row, vector), one)

        over_tiles(builder, rows, vectors, emit)
        return context.get_dummy_value()

    return types.void(array, *[types.intp] * 10), generate


@intrinsic
def tiled_momentum(
    typing: Any, array: Any, weight: Any, velocity: Any, stride: Any, left: Any, left_inner: Any,
    right: Any, right_row: Any, rows: Any, depth: Any, vectors: Any, momentum: Any, penalty: Any,
    kept: Any, rate: Any,
) -> Any:  # fmt: skip
    """The gradient left.T @ right, and a step of momentum on every vector of it at once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, weight, velocity, stride, left, inner, right, right_row, *sizes = arguments[:11]
        kind = context.get_value_type(Vector(array.dtype))
        weight, velocity, left, right = (
            place(context, builder, array, values, x) for x in (weight, velocity, left, right)
        )
        weights, velocities = (Matrix(builder, x, stride, kind) for x in (weight, velocity))
        factor = Matrix(builder, right, right_row, kind)
        rows, depth, vectors = sizes
        numbers = [broadcast(builder, number, kind) for number in arguments[11:]]

        def emit(tile: Tile) -> None:
            sums = tile.sums(left, stride.type(1), inner, factor, depth)
            for row, of_row in zip(tile.rows, sums, strict=True):
                for vector, gradient in zip(tile.vectors, of_row, strict=True):
                    lines = weights.line(row, vector), velocities.line(row, vector)
                    moved(builder, *lines, gradient, *numbers)

        over_tiles(builder, rows, vectors, emit)
        return context.get_dummy_value()

    return types.void(array, *[types.intp] * 10, *[array.dtype] * 4), generate


def moved(
    builder: Any, weight: Any, velocity: Any, gradient: Any, momentum: Any, penalty: Any,
    kept: Any, rate: Any,
) -> None:  # fmt: skip
    """v <- momentum v + g + penalty w;  w <- kept w - rate v, for one vector of each."""
    w, v = (read(builder, address, gradient.type) for address in (weight, velocity))
    v = fused(builder, momentum, v, fused(builder, penalty, w, gradient))
    write(builder, velocity, v)
    step = builder.fmul(rate, v, flags=FUSED)
    write(builder, weight, builder.fsub(builder.fmul(kept, w, flags=FUSED), step, flags=FUSED))


@intrinsic
def step_of_momentum(
    typing: Any, array: Any, weight: Any, velocity: Any, gradient: Any, momentum: Any,
    penalty: Any, kept: Any, rate: Any,
) -> Any:  # fmt: skip
    """The same for the vectors at three places, the gradient being one of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(Vector(array.dtype))
        values, *places = arguments[:4]
        weight, velocity, gradient = (place(context, builder, array, values, x) for x in places)
        numbers = [broadcast(builder, number, kind) for number in arguments[4:]]
        moved(builder, weight, velocity, read(builder, gradient, kind), *numbers)
        return context.get_dummy_value()

    return types.void(array, *[types.intp] * 3, *[array.dtype] * 4), generate


@intrinsic
def transpose_square(
    typing: Any, array: Any, out: Any, out_row: Any, matrix: Any, matrix_row: Any
) -> Any:
    """Write the transpose of one square."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, out, out_row, matrix, matrix_row = arguments
        kind, index = context.get_value_type(Vector(array.dtype)), out.type
        out, matrix = (place(context, builder, array, values, x) for x in (out, matrix))
        source, target = (
            Matrix(builder, x, stride, kind) for x, stride in ((matrix, matrix_row), (out, out_row))
        )
        rows = [source.read(index(i), index(0)) for i in range(kind.count)]
        distance = 1
        while distance < kind.count:
            for i in range(kind.count):
                if not i & distance:
                    pair = exchanged(builder, rows[i], rows[i + distance], distance)
                    rows[i], rows[i + distance] = pair
            distance *= 2
        for i, row in enumerate(rows):
            write(builder, target.line(index(i), index(0)), row)
        return context.get_dummy_value()

    return types.void(array, *[types.intp] * 4), generate


@intrinsic
def dot_rows(
    typing: Any, array: Any, out: Any, row: Any, matrix: Any, matrix_row: Any, vectors: Any
) -> Any:
    """Write the dot products of one row with as many rows of a matrix as a vector is long."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, out, row, matrix, matrix_row, vectors = arguments
        kind, index = context.get_value_type(Vector(array.dtype)), out.type
        out, row, matrix = (place(context, builder, array, values, x) for x in (out, row, matrix))
        left, right = (Matrix(builder, x, matrix_row, kind) for x in (row, matrix))
        zero = ir.Constant(kind, None)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(kind.count)]
        with cgutils.for_range(builder, vectors, intp=index) as loop:
            factor = left.read(index(0), loop.index)
            for i, one in enumerate(sums):
                vector = right.read(index(i), loop.index)
                builder.store(fused(builder, factor, vector, builder.load(one)), one)
        rows = [builder.load(one) for one in sums]
        distance = 1
        while len(rows) > 1:
            pairs = zip(rows[::2], rows[1::2], strict=True)
            rows = [builder.fadd(*exchanged(builder, a, b, distance)) for a, b in pairs]
            distance *= 2
        write(builder, out, rows[0])
        return context.get_dummy_value()

    return types.void(array, *[types.intp] * 5), generate
