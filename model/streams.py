"""One random stream for each seed and purpose, so that arms stay paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np

from model.layers import Array, Generators

Purpose = Literal["split", "weights", "order", "noise", "probe", "company", "partitions", "shadow"]
_SPAWN_KEY = {purpose: (i,) for i, purpose in enumerate(get_args(Purpose))}


def streams(seeds: Sequence[int], purpose: Purpose) -> tuple[np.random.Generator, ...]:
    """A generator a seed, independent between purposes.

    The same seed has the same initial weights and the same example order in every arm,
    whatever else an arm draws. The order of the purposes is part of every stream: a new one
    goes to the end.
    """
    return tuple(
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=_SPAWN_KEY[purpose]))
        for seed in seeds
    )


def batches(generators: Generators, examples: int, batch_size: int) -> Iterator[Array]:
    """Rows of each mini-batch, `(replicas, batch_size)`, without end.

    Every epoch is a fresh permutation; its last, smaller batch is dropped, so that every
    statistic comes from a whole batch. Consecutive ghost batches nest: a ghost of 8 is half
    of a ghost of 16 under the same seed. Raises ValueError where there are too
    few examples for one batch.
    """
    if batch_size > examples:
        raise ValueError(f"{examples} examples cannot fill one batch of {batch_size}")
    while True:
        order = np.stack([g.permutation(examples) for g in generators])
        for start in range(0, examples - batch_size + 1, batch_size):
            yield order[:, start : start + batch_size]


def company(generators: Generators, rows: Array, examples: int, count: int) -> Array:
    """`count` other examples for each replica's batch `rows`, without repetition.

    Returns `(replicas, count)`; with `count` = `examples` - batch size, all the others. Raises
    ValueError where there are fewer.
    """
    others = examples - rows.shape[1]
    if count > others:
        raise ValueError(f"{count} examples cannot join a batch: there are {others} others")
    if not count:
        return rows[:, :0]
    found = np.empty((len(rows), count), rows.dtype)
    for r, (generator, own) in enumerate(zip(generators, rows, strict=True)):
        outside = np.ones(examples, bool)
        outside[own] = False
        order = generator.permutation(examples)
        found[r] = order[outside[order]][:count]
    return found
