"""Training labels that a study has replaced by wrong ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caviar.model.steps.random_streams import streams

Labels = NDArray[np.int64]


def replaced(share: float, examples: int) -> int:
    """How many training labels are replaced: the nearest whole number, halves to the even one."""
    return round(share * examples)


def with_noise(labels: Labels, share: float, classes: int, seeds: Sequence[int]) -> Labels:
    """Training labels `(seeds, examples)` with a share of each seed's replaced by another class.

    Which ones, and by which of the other classes, with equal chances, depends on the seed alone: it
    is the same in every arm and at every norm batch size. What a small share replaces, a larger one
    replaces alike.
    """
    noisy = labels.copy()
    for row, generator in zip(noisy, streams(seeds, "labels"), strict=True):
        chosen = generator.permutation(len(row))[: replaced(share, len(row))]
        away = generator.integers(1, classes, len(row))
        row[chosen] = (row[chosen] + away[chosen]) % classes
    return noisy
