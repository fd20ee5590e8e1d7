"""What an audit collected of a model, and the layers and readings that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from caviar.analysis.audit.evidence import (
    Array,
    Difference,
    Estimate,
    Moments,
    NormLayer,
    Readings,
)
from caviar.runner.torch_models.measuring.begin import Begun
from caviar.runner.torch_models.measuring.readings import (
    Kinds,
    Order,
    Scored,
    batch_sizes,
    charged,
    readings,
)
from caviar.runner.torch_models.measuring.scatter import (
    BatchMoments,
    batch_moments,
    precise,
    scatter_of,
)
from caviar.runner.torch_models.running.batches import Examples

SCATTER_EXAMPLES, SCATTER_BATCHES, MOST_SCATTER_EXAMPLES = 1024, 32, 4096
"""A scatter comes from batches of so many examples or from so many batches, if that is more, as
long as those have no more examples than the last number; but from eight batches at least."""

MOST_CLASSES = 1000
"""Labels are no classes where there are more."""


class Collected(NamedTuple):
    """How the model ran, and what was read: examples, population, and what the norms hold.

    `size` is that of a training batch, `whole` whether the data hold no other examples.
    """

    begun: Begun
    size: int
    examples: Examples
    moments: dict[str, Estimate]
    stored: dict[str, Moments | None]
    updates: dict[str, int | None]
    frozen: frozenset[str]
    whole: bool


class Batches(NamedTuple):
    """Statistics of train-mode batches by norm: as loaded, and of random partitions."""

    loaded: dict[str, BatchMoments]
    regrouped: dict[str, list[BatchMoments]]


def batches_of(read: Collected, order: Order, generator: np.random.Generator) -> Batches:
    """Enough batches in the loader's order, and as many at random, `order` first.

    The examples are partitioned anew until there are enough.
    """
    examples, subject, size = read.examples, read.begun.discovery.subject, read.size
    each, count = examples.number // size, scatter_batches(size)
    regrouped: dict[str, list[BatchMoments]] = {name: [] for name in subject.names}
    for i in range(1 if each < 2 else -(-count // each)):
        rows = order if i == 0 else generator.permutation(examples.number)
        chosen = torch.as_tensor(rows[: count * size], device=examples.device)
        for name, moments in batch_moments(subject, examples.take(chosen), size).items():
            regrouped[name].append(moments)
    first = examples.take(slice(0, count * size))
    return Batches(batch_moments(subject, first, size), regrouped)


def scatter_batches(size: int) -> int:
    """How many batches of this size tell how their statistics scatter."""
    few = max(8, min(SCATTER_BATCHES, MOST_SCATTER_EXAMPLES // size))
    return max(few, SCATTER_EXAMPLES // size)


def layers_of(
    read: Collected, batches: Batches, other: dict[str, Estimate]
) -> tuple[NormLayer, ...]:
    """The norms in the order of use; `other` are the population's moments of a test set."""
    subject, size = read.begun.discovery.subject, read.size
    return tuple(
        NormLayer(
            name=norm.name,
            kind=type(norm.module).__name__,
            momentum=norm.momentum,
            epsilon=norm.epsilon,
            updates=read.updates[norm.name],
            calls=subject.calls[norm.name],
            frozen=norm.name in read.frozen,
            stored=read.stored[norm.name],
            population=read.moments[norm.name],
            loaded=scatter_of([batches.loaded[norm.name]], size, subject.positions[norm.name]),
            regrouped=scatter_of(batches.regrouped[norm.name], size, subject.positions[norm.name]),
            other=other.get(norm.name),
        )
        for norm in subject.norms
    )


def kinds_of(read: Collected, batches: Batches) -> Kinds:
    """The fixed statistics under which losses are read."""
    names = read.begun.discovery.subject.names
    stored = {name: moments for name in names if (moments := read.stored[name]) is not None}
    return Kinds(
        stored if len(stored) == len(names) else None,
        {name: one.moments for name, one in read.moments.items()},
        {name: precise(parts[0]) for name, parts in batches.regrouped.items()},
    )


def readings_of_training(read: Collected, kinds: Kinds, order: Order) -> Readings | None:
    """Those of the data given, with other batch sizes and what each norm is charged with."""
    scored, size = _scored(read, read.examples), read.size
    if scored is None:
        return None
    some = readings(scored, kinds, size, order)
    effect = some.stored_minus_population or Difference(0.0, 0.0)
    return replace(
        some,
        batches=batch_sizes(scored, kinds.population, size, order),
        charged=charged(scored, kinds, effect, order),
    )


def readings_of_test(
    read: Collected, test: Examples, kinds: Kinds, moments: dict[str, Estimate], order: Order
) -> Readings | None:
    """Those of a test set, in batches no larger than it is; `moments` are its population's."""
    scored = _scored(read, test)
    if scored is None:
        return None
    other = {name: one.moments for name, one in moments.items()}
    size = min(read.size, test.number)
    return readings(scored, kinds._replace(other=other), size, order)


def _scored(read: Collected, examples: Examples) -> Scored | None:
    loss = read.begun.loss
    if loss is None or examples.targets is None:
        return None
    return Scored(read.begun.discovery.subject, examples, loss)


def class_shares(examples: Examples, size: int) -> Array | None:
    """Shares of the labels in each loaded batch, `(batches, classes)`; None without such labels."""
    labels = examples.targets
    if not isinstance(labels, torch.Tensor) or labels.ndim != 1 or labels.is_floating_point():
        return None
    numbers = labels.cpu().numpy().astype(np.int64)
    classes = int(numbers.max()) + 1
    if numbers.min() < 0 or classes > MOST_CLASSES or len(numbers) < size:
        return None
    batches = numbers[: len(numbers) // size * size].reshape(-1, size)
    return np.stack([np.bincount(row, minlength=classes) / size for row in batches])
