"""Scrambled Halton points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caviar.runner.study.sequences.sequence import Points, Sequence, stream

PRECISION = 54
"""The binary digits to which points are scrambled, more than a double has."""


def halton(dimensions: int, seed: int) -> Sequence:
    """The Halton sequence in the first prime bases, the digits at each place permuted at random
    (Owen 2017, "A randomized Halton algorithm in R")."""
    rng = stream(seed)
    bases = list(itertools.islice(_primes(), dimensions))
    permutations = [_permutations(base, rng) for base in bases]

    def points(first: int, count: int) -> Points:
        index = np.arange(first, first + count)
        columns = [_scrambled(index, *of) for of in zip(bases, permutations, strict=True)]
        return np.stack(columns, axis=1)

    return points


def _permutations(base: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A permutation of the digits per place."""
    places = math.ceil(PRECISION / math.log2(base)) - 1
    permutations = np.repeat(np.arange(base)[None], places, axis=0)
    for permutation in permutations:
        rng.shuffle(permutation)
    return permutations


def _scrambled(index: NDArray[np.int64], base: int, permutations: NDArray[np.int64]) -> Points:
    """The index with its permuted digits behind the point, lowest first."""
    points, weight = np.zeros(len(index)), 1.0 / base
    for permutation in permutations:
        points += permutation[index % base] * weight
        index, weight = index // base, weight / base
    return points


def _primes() -> Iterator[int]:
    for n in itertools.count(2):
        if all(n % divisor for divisor in range(2, math.isqrt(n) + 1)):
            yield n
