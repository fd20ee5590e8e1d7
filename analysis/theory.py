"""Closed forms that the measurements are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def finite_population(m: Array | float, population: Array | float) -> Any:
    """(N - m) / (N - 1): what drawing m of N without replacement takes from a variance."""
    return (np.asarray(population) - m) / (np.asarray(population) - 1)


def variance_of_batch_mean(m: Array | float, population: Array | float) -> Any:
    """Var(batch mean) / sigma^2 = (N - m) / (N - 1) / m, exact for batches without replacement."""
    return finite_population(m, population) / m


def variance_of_batch_deviation(
    m: Array | float, population: Array | float, excess_kurtosis: Array | float
) -> Any:
    """Var(batch deviation) / sigma^2, about (kurtosis + 2) / (4 m) for excess kurtosis.

    The delta method of Luo et al. 2019 (their rho) with the finite-population factor; for a
    normal law it is 10 % high at m = 4 and 1 % at m = 32.
    """
    spread = np.asarray(excess_kurtosis) + 2
    return spread / (4 * np.asarray(m)) * finite_population(m, population)
