"""One random stream for each seed and purpose, so that arms stay paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from caviar.model.contract import Array, Generators

Purpose = Literal[
    "split",
    "weights",
    "order",
    "noise",
    "probe",
    "company",
    "partitions",
    "shadow",
    "pools",
    "penalty",
    "labels",
]
_SPAWN_KEY = {purpose: (i,) for i, purpose in enumerate(get_args(Purpose))}


def streams(seeds: Sequence[int], purpose: Purpose) -> tuple[np.random.Generator, ...]:
    """One generator per seed, independent between purposes.

    The same seed has the same initial weights and the same example order in every arm, whatever
    else an arm draws. The order of the purposes is part of every stream: append new ones.
    """
    return tuple(
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=_SPAWN_KEY[purpose]))
        for seed in seeds
    )


def streams_at(
    seeds: Sequence[int], purpose: Purpose, step: int
) -> tuple[np.random.Generator, ...]:
    """The same, begun anew at a step: what is drawn there depends on no earlier draw."""
    return tuple(
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*_SPAWN_KEY[purpose], step)))
        for seed in seeds
    )


class StreamState(NamedTuple):
    """A PCG64 generator at rest: 128-bit state and increment, and the half of a 64-bit draw that
    is left over for the next 32 bits."""

    state: int
    increment: int
    spare: int | None


def at_rest(generators: Generators) -> tuple[StreamState, ...]:
    """The present states of the generators."""
    states = [generator.bit_generator.state for generator in generators]
    return tuple(
        StreamState(
            state["state"]["state"],
            state["state"]["inc"],
            state["uinteger"] if state["has_uint32"] else None,
        )
        for state in states
    )


def awake(states: Sequence[StreamState]) -> tuple[np.random.Generator, ...]:
    """Generators that continue from these states."""
    return tuple(np.random.Generator(_awake(state)) for state in states)


def _awake(state: StreamState) -> np.random.PCG64:
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state.state, "inc": state.increment},
        "has_uint32": int(state.spare is not None),
        "uinteger": state.spare or 0,
    }
    return bits


def batches(
    generators: Generators, examples: int, batch_size: int, done: int = 0
) -> Iterator[Array]:
    """Rows of each mini-batch, `(replicas, batch_size)`, without end.

    Every epoch is a fresh permutation; its last, smaller batch is dropped, so that every
    statistic comes from a whole batch. Consecutive ghost batches nest: a ghost of 8 is half
    of a ghost of 16 under the same seed. After `done` batches of an interrupted run it continues
    with the next one, from generators as they were before the current epoch. Raises ValueError
    where there are too few examples for one batch.
    """
    if batch_size > examples:
        raise ValueError(f"{examples} examples cannot fill one batch of {batch_size}")
    first = done % (examples // batch_size) * batch_size
    while True:
        order = np.stack([g.permutation(examples) for g in generators])
        for start in range(first, examples - batch_size + 1, batch_size):
            yield order[:, start : start + batch_size]
        first = 0


def company(generators: Generators, rows: Array, examples: int, count: int) -> Array:
    """`count` other examples for each replica's batch `rows`, without repetition.

    Returns `(replicas, count)`; with `count` = `examples` - batch size these are all the others.
    Raises ValueError where there are fewer than `count`.
    """
    others = examples - rows.shape[1]
    if count > others:
        raise ValueError(f"{count} examples cannot join a batch: there are {others} others")
    if not count:
        return rows[:, :0]
    joining = np.empty((len(rows), count), rows.dtype)
    for r, (generator, replica_rows) in enumerate(zip(generators, rows, strict=True)):
        outside = np.ones(examples, bool)
        outside[replica_rows] = False
        order = generator.permutation(examples)
        joining[r] = order[outside[order]][:count]
    return joining
