"""Scrambled Sobol points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from caviar.runner.study.sequences.direction_numbers import DIRECTION_NUMBERS
from caviar.runner.study.sequences.sequence import Points, Sequence, stream

BITS = 30
"""The binary digits of a point: the sequence has 2^30 points."""

PLACES = np.arange(BITS, dtype=np.uint32)[::-1, None]
"""What power of two each digit of a point stands for, the highest first."""


def sobol(dimensions: int, seed: int) -> Sequence:
    """The Sobol sequence, scrambled by random lower triangular matrices and a shift of binary
    digits (Matousek 1998, J. Complexity 14)."""
    rng = stream(seed)
    shift = rng.integers(2, size=(dimensions, BITS), dtype=np.uint32)
    triangles = np.tril(rng.integers(2, size=(dimensions, BITS, BITS), dtype=np.uint32))
    triangles[:, range(BITS), range(BITS)] = 1
    plain = np.stack([_directions(dimension) for dimension in range(dimensions)])
    directions = _numbers(triangles @ plain % 2)
    start = _numbers(shift[:, ::-1, None])

    def points(first: int, count: int) -> Points:
        index = np.arange(first, first + count, dtype=np.uint32)[:, None]
        numbers = np.repeat(start.T, count, axis=0)
        for bit in range(BITS):
            numbers ^= ((index ^ index >> 1) >> bit & 1) * directions[:, bit]
        return numbers / np.float64(2**BITS)

    return points


def _directions(dimension: int) -> NDArray[np.uint32]:
    """Binary digits `(digit, number)` of the direction numbers of a dimension (Bratley & Fox 1988,
    ACM Trans. Math. Softw. 14, page 90)."""
    numbers = [1] * BITS
    if dimension:
        polynomial, *numbers = DIRECTION_NUMBERS[dimension - 1]
        degree = len(numbers)
        while len(numbers) < BITS:
            following = numbers[-degree]
            for k in range(1, degree + 1):
                following ^= (polynomial >> (degree - k) & 1) * numbers[-k] << k
            numbers.append(following)
    scaled = np.array([n << (BITS - 1 - i) for i, n in enumerate(numbers)], dtype=np.uint32)
    digits: NDArray[np.uint32] = scaled >> PLACES & np.uint32(1)
    return digits


def _numbers(digits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The numbers `(dimensions, number)` of binary digits `(dimensions, digit, number)`."""
    numbers: NDArray[np.uint32] = np.sum(digits << PLACES, axis=1, dtype=np.uint32)
    return numbers
