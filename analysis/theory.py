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


def noise_to_signal(
    m: Array | float, population: Array | float, excess_kurtosis: Array | float
) -> Any:
    """Variance of one example's x_hat over its batches, averaged over examples: leading order.

    (1 + x_hat^2 (kurtosis + 2) / 4) / m with mean x_hat^2 = 1, and the finite-population factor;
    1.5 / m for a normal law. Luo et al. 2019 give the two variances behind it.
    """
    share = 1 + (np.asarray(excess_kurtosis) + 2) / 4
    return share / np.asarray(m) * finite_population(m, population)


def coupling(m: Array | float, excess_kurtosis: Array | float) -> Any:
    """Share of a batch-norm Jacobian's energy between examples: [2 - (6 + kurtosis) / m]/(m - 2).

    Exact with the kurtosis of x_hat within its batches, here that of the population; NaN below
    three examples.
    """
    m = np.asarray(m, dtype=np.float64)
    between = 2 - (6 + np.asarray(excess_kurtosis)) / m
    return np.divide(between, m - 2, out=np.full(np.shape(between), np.nan), where=m > 2)
