"""How points are drawn from distributions: at random, or from a Sobol or Halton sequence."""

from __future__ import annotations

import itertools
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from caviar.runner.study.distributions import Distribution, Value

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
    of the others; `sobol` and `halton` are SciPy's scrambled sequences over the fields in order.
    """
    if not space:
        yield from itertools.repeat({})
    block = _random(list(space), seed) if sampler == "random" else None
    if block is None:
        block = _quasi_random(len(space), sampler, seed)
    while True:
        for row in block(BLOCK):
            yield {
                field: distribution.at(float(u))
                for (field, distribution), u in zip(space.items(), row, strict=True)
            }


BLOCK = 1024

"""The number of points drawn at once."""

Block = Callable[[int], NDArray[np.float64]]

"""A function from a count to the next points of the unit cube, one row per point."""


def _random(fields: Sequence[str], seed: int) -> Block:
    keys = [(zlib.crc32(field.encode()),) for field in fields]
    streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=k)) for k in keys]
    return lambda count: np.stack([stream.random(count) for stream in streams], axis=1)


def _quasi_random(fields: int, sampler: Sampler, seed: int) -> Block:
    from scipy.stats import qmc

    kind = qmc.Sobol if sampler == "sobol" else qmc.Halton
    engine = kind(fields, scramble=True, rng=np.random.default_rng(seed))

    def block(count: int) -> NDArray[np.float64]:
        with warnings.catch_warnings():
            # A study may grow by any number of draws; the documentation of `draws` says that
            # prefixes of a Sobol sequence are balanced only at powers of two.
            warnings.filterwarnings("ignore", message="The balance properties of Sobol")
            return np.asarray(engine.random(count), dtype=np.float64)

    return block
