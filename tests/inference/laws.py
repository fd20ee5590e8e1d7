"""Laws of noise with mean 0 and standard deviation 1, from the mildest to the worst."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Law = Callable[[np.random.Generator, tuple[int, ...]], Array]

SEEDS = (5, 8, 10, 20, 40)


def normal(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The bell curve."""
    return nature.standard_normal(shape)


def exponential(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Skewed to the right, with a moderate tail."""
    return nature.exponential(size=shape) - 1


def lognormal(nature: np.random.Generator, shape: tuple[int, ...], sigma: float = 1.0) -> Array:
    """Skewed to the right, with a heavy tail."""
    mean = np.exp(sigma**2 / 2)
    return np.asarray(
        (nature.lognormal(sigma=sigma, size=shape) - mean) / (mean * np.sqrt(np.expm1(sigma**2)))
    )


def heavy_lognormal(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The same with a very heavy tail."""
    return lognormal(nature, shape, 1.5)


def three_values(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """One of three values, as accuracies on a small test set: units tie."""
    return np.asarray(np.sqrt(2) * (nature.binomial(2, 0.5, shape) - 1))


def students_t(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Student's t with 3 degrees of freedom: symmetric, with heavy tails."""
    return np.asarray(nature.standard_t(3, shape) / np.sqrt(3))


def outliers(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, but one unit in ten lies 10 standard deviations up."""
    values = nature.standard_normal(shape) + 10 * (nature.random(shape) < 0.1)
    return np.asarray((values - 1) / np.sqrt(10))


def differences_of(law: Law) -> Law:
    """Differences of two independent values of one law: symmetric, whatever the law."""

    def differences(nature: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return np.asarray((law(nature, shape) - law(nature, shape)) / np.sqrt(2))

    return differences


LAWS: dict[str, Law] = {
    "normal": normal,
    "exponential": exponential,
    "lognormal": lognormal,
    "three values": three_values,
}
HARDER: dict[str, Law] = {
    "Student's t, 3 degrees": students_t,
    "lognormal, sigma 1.5": heavy_lognormal,
    "one unit in ten far out": outliers,
}
