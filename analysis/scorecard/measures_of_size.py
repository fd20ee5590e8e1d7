"""Claims about losses against batch size: the numbers, one a seed, that decide each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.scorecard.seedwise import TRAIN, Seedwise

Parts = dict[str, NDArray[Any]]
"""By size or place, a value a seed of the quantity that a claim names."""

SMALL = 32


def at(level: float) -> str:
    return f"m = {level:g}"


def ghost_sizes(s: Seedwise) -> list[float]:
    """The sizes of batch norm where the norm batch alone moves; else none."""
    moves = s.design.axis == "norm_batch_size" and s.of_own("batch_size") is not None
    return s.levels(s.own) if moves else []


def noise_regularises(s: Seedwise) -> Parts | None:
    """Train loss above and test loss below population statistics, at the best noisy size."""
    none = s.population()
    sizes = [size for size in ghost_sizes(s) if size < s.examples]
    if none is None or not sizes:
        return None
    return {
        "train loss": s.best(s.own, sizes, TRAIN) - s.loss(*none, TRAIN),
        "test loss": s.loss(*none) - s.best(s.own, sizes),
    }


def u_shaped(s: Seedwise) -> Parts | None:
    """Both ends against the best size between."""
    sizes = ghost_sizes(s)
    if len(sizes) < 3:
        return None
    best = s.best(s.own, sizes[1:-1])
    return {at(size): s.loss(s.own, size) - best for size in (sizes[0], sizes[-1])}


def ghosts_help_medium(s: Seedwise) -> Parts | None:
    """One ghost, the whole batch of the update, against the best smaller one."""
    whole = s.of_own("batch_size")
    smaller = [size for size in ghost_sizes(s) if size < (whole or 0)]
    if whole not in ghost_sizes(s) or not smaller:
        return None
    return {at(whole): s.loss(s.own, whole) - s.best(s.own, smaller)}


def small_underfits(s: Seedwise) -> Parts | None:
    """Train loss at the smallest size less that at the largest."""
    sizes = ghost_sizes(s)
    if len(sizes) < 2:
        return None
    smallest, largest = (s.loss(s.own, size, TRAIN) for size in (sizes[0], sizes[-1]))
    return {at(sizes[0]): smallest - largest}


def small_batch_best(s: Seedwise) -> Parts | None:
    """Where both batches are one: the best large size against the best small one."""
    trials = s.run.trials
    if s.design.axis != "batch_size" or (trials["norm_batch_size"] != trials["batch_size"]).any():
        return None
    small = [size for size in s.levels(s.own) if size <= SMALL]
    large = [size for size in s.levels(s.own) if size > SMALL]
    if not small or not large:
        return None
    return {f"B up to {SMALL}": s.best(s.own, large) - s.best(s.own, small)}


def update_sizes(s: Seedwise) -> list[float]:
    """The batches of an update where they alone move, tuned, at equal steps; else none."""
    moves = s.design.axis == "batch_size" and s.of_own("norm_batch_size") is not None
    equal = moves and s.of_own("steps") is not None and s.tuned
    sizes = s.levels(s.own) if equal else []
    return sizes if len(sizes) > 1 else []


def large_batch_harmless(s: Seedwise) -> Parts | None:
    """Every larger batch against the smallest."""
    sizes = update_sizes(s)
    if not sizes:
        return None
    smallest = s.loss(s.own, sizes[0])
    return {f"B = {size:g}": s.loss(s.own, size) - smallest for size in sizes[1:]}


def small_batch_at_equal_steps(s: Seedwise) -> Parts | None:
    """Least-squares slope of test loss on log2 B, a fit a seed."""
    sizes = update_sizes(s)
    if len(sizes) < 3:
        return None
    losses = np.stack([s.loss(s.own, size) for size in sizes], axis=1)
    return {"all B": slopes(np.log2(sizes), losses)}


def slopes(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Least-squares slope of every row of `y`, `(seeds, sizes)`, on `x`, `(sizes,)`."""
    x = x - x.mean()
    found: NDArray[Any] = y @ x / (x @ x)
    return found
