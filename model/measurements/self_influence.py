"""Penalties averaged over partitions, until self-influence stands out from their noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators
from caviar.model.measurements.noise_penalty import Frozen, penalty, population_loss

FEWEST_PARTITIONS = 4
"""With fewer, the standard error is itself too uncertain to stop by, unless the cost is reached."""

PRECISION = 0.1
"""The standard error of self-influence, as a share of its size, that is precise enough."""


class Averaged(NamedTuple):
    """R_in and R_ext averaged over `partitions` of the same rows, all `(replicas,)`.

    `error` is the standard error of R_in - R_ext over partitions, NaN with a single one.
    """

    inside: Array
    external: Array
    error: Array
    partitions: Array


def averaged_penalties(
    problem: Frozen, sizes: tuple[int, ...], rows: Array, most: int, generators: Generators
) -> dict[int, Averaged]:
    """R_in and R_ext by size, over as many partitions of `rows` as self-influence needs.

    `rows`, `(replicas, examples)` in random order, are the first partition; each further one
    puts them in another order, the same for every size. A replica has enough of a size after
    FEWEST_PARTITIONS or more, once the standard error of R_in - R_ext is at most PRECISION of
    its size; where R_ext cannot be had or is not finite, after one; and otherwise after `most`.
    """
    loss = population_loss(problem, rows)
    done = np.zeros((len(sizes), len(rows)), bool)
    by_partition = np.full((most, 2, len(sizes), len(rows)), np.nan)
    order = rows
    for i in range(most):
        order = order if i == 0 else _shuffled(rows, generators)
        for s, m in enumerate(sizes):
            (left,) = np.nonzero(~done[s])
            if len(left):
                part = penalty(problem.of_replicas(left), m, order[left], loss[left])
                by_partition[i, :, s, left] = np.stack(part, axis=1)
        done |= _enough(by_partition[: i + 1])
    return {m: _averaged(by_partition[:, :, s]) for s, m in enumerate(sizes)}


def _shuffled(rows: Array, generators: Generators) -> Array:
    return np.stack([g.permutation(r) for g, r in zip(generators, rows, strict=True)])


def _enough(by_partition: Array) -> Array:
    """Whether a size of a replica has been measured in enough partitions, `(sizes, replicas)`."""
    averaged = _averaged(by_partition)
    size = np.abs(averaged.inside - averaged.external)
    precise = (averaged.partitions >= FEWEST_PARTITIONS) & (averaged.error <= PRECISION * size)
    return np.asarray(precise | ~np.isfinite(size))


def _averaged(by_partition: Array) -> Averaged:
    """Over `(partitions, 2, ...)`; partitions that were not measured are NaN throughout."""
    measured = ~np.isnan(by_partition[:, 0])
    measured[0] = True
    count = measured.sum(axis=0)
    inside, external = (np.mean(by_partition[:, k], axis=0, where=measured) for k in range(2))
    away = by_partition[:, 0] - by_partition[:, 1] - (inside - external)
    squares = np.sum(away**2, axis=0, where=measured)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(squares / (count - 1) / count)
    return Averaged(inside, external, error, count.astype(float))
