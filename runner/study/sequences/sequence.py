"""What every sequence is: a function, and the stream that scrambles it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

Sequence = Callable[[int, int], Points]

"""From the number of the first point, from 0 on, and a count to points `(count, dimensions)`."""


def stream(seed: int) -> np.random.Generator:
    """The first stream that the generator of a seed spawns."""
    (spawned,) = np.random.default_rng(seed).spawn(1)
    return spawned
