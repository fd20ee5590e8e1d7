"""Products of matrices in one flat array.

A matrix is a place, and the distance `..._row` from a row to the next.
"""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.tiles import (
    dot_rows,
    tiled_momentum,
    tiled_product,
    transpose_square,
)


@compiled
def product(
    a: Array, out: int, out_row: int, left: int, left_row: int, left_inner: int, right: int,
    right_row: int, rows: int, depth: int, vectors: int,
) -> None:  # fmt: skip
    """out = left @ right, or left.T @ right where `left_row` is 1."""
    tiled_product(
        a, out, out_row, left, left_row, left_inner, right, right_row, rows, depth, vectors
    )


@compiled
def momentum_step(
    a: Array, weight: int, velocity: int, weight_row: int, left: int, left_inner: int, right: int,
    right_row: int, rows: int, depth: int, vectors: int, momentum: Any, penalty: Any, kept: Any,
    rate: Any,
) -> None:  # fmt: skip
    """g = left.T @ right;  v = momentum * v + (g + penalty * w);  w = kept * w - rate * v"""
    tiled_momentum(
        a, weight, velocity, weight_row, left, left_inner, right, right_row, rows, depth, vectors,
        momentum, penalty, kept, rate,
    )  # fmt: skip


@compiled
def row_products(
    a: Array, out: int, out_row: int, left: int, left_row: int, right: int, right_row: int,
    rows: int, columns: int, vectors: int, lanes: int,
) -> None:  # fmt: skip
    """out = left @ right.T, without transposing: few rows of `left` against rows of `right`."""
    for i in range(rows):
        for j in range(0, columns, lanes):
            dot_rows(
                a,
                out + i * out_row + j,
                left + i * left_row,
                right + j * right_row,
                right_row,
                vectors,
            )


@compiled
def transpose(
    a: Array, out: int, out_row: int, matrix: int, matrix_row: int, rows: int, columns: int,
    lanes: int,
) -> None:  # fmt: skip
    """out = matrix.T, padded to whole squares."""
    for i in range(0, rows, lanes):
        for j in range(0, columns, lanes):
            transpose_square(
                a, out + j * out_row + i, out_row, matrix + i * matrix_row + j, matrix_row
            )
