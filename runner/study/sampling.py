"""How points are drawn from distributions: at random, or from a Sobol or Halton sequence."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from caviar.runner.study.distributions import Distribution, Value
from caviar.runner.study.sequences.halton import halton
from caviar.runner.study.sequences.sequence import Points, Sequence
from caviar.runner.study.sequences.sobol import sobol

Sampler = Literal["random", "sobol", "halton"]


def draw(
    space: dict[str, Distribution], count: int, sampler: Sampler, seed: int
) -> list[dict[str, Value]]:
    """`count` points of `space`; the first k are the same for every count."""
    return list(itertools.islice(points(space, sampler, seed), count))


def points(
    space: dict[str, Distribution], sampler: Sampler, seed: int
) -> Iterator[dict[str, Value]]:
    """The points of `space` one after another, without end, generated in blocks.

    `random` gives every field its own stream, so that adding a field does not change the values
    of the others; `sobol` and `halton` are scrambled sequences over the fields in order.
    """
    if not space:
        yield from itertools.repeat({})
    for block in _blocks(list(space), sampler, seed):
        for row in block:
            yield {
                field: distribution.at(float(u))
                for (field, distribution), u in zip(space.items(), row, strict=True)
            }


BLOCK = 1024

"""The number of points drawn at once."""


SEQUENCES: dict[Sampler, Callable[[int, int], Sequence]] = {"sobol": sobol, "halton": halton}


def _blocks(fields: list[str], sampler: Sampler, seed: int) -> Iterator[Points]:
    if sampler == "random":
        return _random(fields, seed)
    sequence = SEQUENCES[sampler](len(fields), seed)
    return (sequence(first, BLOCK) for first in itertools.count(step=BLOCK))


def _random(fields: list[str], seed: int) -> Iterator[Points]:
    keys = [(zlib.crc32(field.encode()),) for field in fields]
    streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=k)) for k in keys]
    while True:
        yield np.stack([stream.random(BLOCK) for stream in streams], axis=1)
