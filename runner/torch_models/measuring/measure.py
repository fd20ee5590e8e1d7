"""`measure` reads a model's batch norms and as many examples as it needs, and returns evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from caviar.analysis.audit.evidence import Array, Estimate, Evidence, Moments, NormLayer, Readings
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.enough import enough
from caviar.runner.torch_models.measuring.population import estimated
from caviar.runner.torch_models.measuring.readings import Kinds, Order, Scored, readings
from caviar.runner.torch_models.measuring.scatter import (
    BatchMoments,
    batch_moments,
    precise,
    scatter_of,
)
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.discovery import Discovery, discovered
from caviar.runner.torch_models.running.losses import Loss, LossFunction, chosen_loss
from caviar.runner.torch_models.running.norms import (
    TorchNorm,
    frozen_in_training,
    norms_of,
    unwrapped,
)
from caviar.runner.torch_models.running.passes import Subject
from caviar.runner.torch_models.running.untouched import untouched

FIRST_EXAMPLES, MOST_EXAMPLES = 512, 16384
FIRST_BATCHES = 8
"""At least so many examples, and so many batches of the size of training, are read first."""

FEWEST_BATCHES = 32
"""Fewest batches behind a scatter: the examples are partitioned anew until there are so many."""

MOST_CLASSES = 1000


def measure(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    loss: LossFunction | None = None,
    inputs: Part = None,
    target: Part = None,
    test: Iterable[Any] | None = None,
    batch_size: int | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Evidence:
    """What the batch norms of a PyTorch model hold, what their inputs have, and what that costs.

    `batches` is an iterable of training batches, `test` one of other data. `batch_size` is how
    many examples shared one mean in training, by default the size of a batch; `inputs` and
    `target` say what of a batch is what, and `loss` is a function of output and targets, where
    they cannot be guessed. Examples are read until the errors are a tenth of what is reported.
    The model stays as it is. Raises RequestError for what cannot be audited.
    """
    core = unwrapped(model)
    norms = norms_of(core)
    stored = {norm.name: norm.stored() for norm in norms}
    updates = {norm.name: norm.updates for norm in norms}
    with untouched(core, batches, test, seed=seed), np.errstate(all="ignore"):
        passes = _counted(core)
        still = frozen_in_training(core, norms)
        reader = Reader(batches, core, inputs, target)
        other = None if test is None else Reader(test, core, inputs, target)
        audit = _begun(core, norms, reader, loss, batch_size)
        examples, moments = _read_enough(audit, reader, stored, np.random.default_rng([seed, 1]))
        read = Collected(audit, examples, moments, stored, updates, still, reader.ended)
        compared = None if other is None else other.read(examples.number)
        evidence = _evidence(read, compared, steps, np.random.default_rng(seed))
        return replace(evidence, passes=passes[0])


def _counted(model: nn.Module) -> list[int]:
    """A count of the model's calls from now on; `untouched` takes the hook away."""
    passes = [0]

    def count(module: nn.Module, args: Any) -> None:
        passes[0] += 1

    model.register_forward_pre_hook(count)
    return passes


class Begun(NamedTuple):
    """A model and how it ran, its loss, and the size of a training batch."""

    discovery: Discovery
    loss: Loss | None
    size: int


class Collected(NamedTuple):
    """Begun, and what was read: examples, population, and what the norms hold."""

    begun: Begun
    examples: Examples
    moments: dict[str, Estimate]
    stored: dict[str, Moments | None]
    updates: dict[str, int | None]
    frozen: frozenset[str]
    whole: bool


def _begun(
    model: nn.Module,
    norms: tuple[TorchNorm, ...],
    reader: Reader,
    loss: LossFunction | None,
    batch_size: int | None,
) -> Begun:
    first = reader.read(1)
    size = reader.batch_size if batch_size is None else batch_size
    some = first.take(slice(0, min(first.number, 64)))
    discovery = discovered(model, norms, some)
    _check_size(size, discovery.subject, given=batch_size is not None)
    chosen = None
    if some.targets is not None or loss is not None:
        chosen = chosen_loss(loss, discovery.output, some.targets)
    if chosen is not None:
        chosen.scores(discovery.output, some.targets, some.number)
    return Begun(discovery, chosen, size)


def _check_size(size: int, subject: Subject, *, given: bool) -> None:
    if size < 1:
        raise RequestError(f"batch size {size}: give how many examples share a mean, 1 or more")
    fewest = min(subject.positions.values())
    if size * fewest < 2:
        raise RequestError(
            ("batch size 1" if given else "the data come in batches of one example")
            + ", and a norm that sees one value per feature has no variance: give the batch size "
            "of training (`batch_size`, or --batch-size)"
        )


def _check_number(examples: int, size: int) -> None:
    if examples < max(2, size):
        raise RequestError(
            f"the data hold {examples} example{'s' * (examples > 1)}, fewer than one batch of "
            f"{max(2, size)}: give more of them, or a smaller batch size"
        )


def _read_enough(
    audit: Begun,
    reader: Reader,
    stored: dict[str, Moments | None],
    generator: np.random.Generator,
) -> tuple[Examples, dict[str, Estimate]]:
    """Twice as many examples until the errors are small enough or the data end."""
    wanted = min(MOST_EXAMPLES, max(FIRST_EXAMPLES, FIRST_BATCHES * audit.size))
    while True:
        examples = reader.read(wanted)
        _check_number(examples.number, audit.size)
        moments = estimated(audit.discovery.subject, examples, generator)
        if examples.number < wanted or wanted >= MOST_EXAMPLES or enough(moments, stored):
            return examples, moments
        wanted = 2 * examples.number


def _evidence(
    read: Collected, test: Examples | None, steps: int | None, generator: np.random.Generator
) -> Evidence:
    subject, examples = read.begun.discovery.subject, read.examples
    size = min(read.begun.size, examples.number)
    order = generator.permutation(examples.number)
    loaded = batch_moments(subject, examples, size)
    regrouped = _regrouped(read, size, order, generator)
    other = {} if test is None else estimated(subject, test, generator)
    kinds = _kinds(read, {name: precise(parts[0]) for name, parts in regrouped.items()})
    layers = tuple(
        _layer(read, norm, [loaded[norm.name]], regrouped[norm.name], other.get(norm.name))
        for norm in subject.norms
    )
    return Evidence(
        layers=layers,
        batch_size=size,
        steps=steps,
        train=_readings(read, examples, kinds, size, order),
        test=None
        if test is None
        else _readings(
            read,
            test,
            kinds._replace(other={name: one.moments for name, one in other.items()}),
            min(size, test.number),
            generator.permutation(test.number),
        ),
        class_shares=_class_shares(examples, size),
        examples=examples.number,
        passes=0,
        never_called=read.begun.discovery.never_called,
        whole=read.whole,
    )


def _regrouped(
    read: Collected, size: int, order: Order, generator: np.random.Generator
) -> dict[str, list[BatchMoments]]:
    """Batches drawn at random, `order` first, in as many partitions as give enough of them."""
    examples, subject = read.examples, read.begun.discovery.subject
    parts: dict[str, list[BatchMoments]] = {name: [] for name in subject.names}
    each = examples.number // size
    rounds = 1 if each < 2 else -(-FEWEST_BATCHES // each)
    for i in range(rounds):
        rows = order if i == 0 else generator.permutation(examples.number)
        drawn = examples.take(torch.as_tensor(rows, device=examples.device))
        for name, moments in batch_moments(subject, drawn, size).items():
            parts[name].append(moments)
    return parts


def _kinds(read: Collected, precise_moments: dict[str, Moments]) -> Kinds:
    names = read.begun.discovery.subject.names
    stored = {name: moments for name in names if (moments := read.stored[name]) is not None}
    known = {name: one.moments for name, one in read.moments.items()}
    return Kinds(stored if len(stored) == len(names) else None, known, precise_moments)


def _layer(
    read: Collected,
    norm: TorchNorm,
    loaded: list[BatchMoments],
    regrouped: list[BatchMoments],
    other: Estimate | None,
) -> NormLayer:
    subject, size = read.begun.discovery.subject, min(read.begun.size, read.examples.number)
    positions = subject.positions[norm.name]
    return NormLayer(
        name=norm.name,
        kind=type(norm.module).__name__,
        momentum=norm.momentum,
        epsilon=norm.epsilon,
        updates=read.updates[norm.name],
        calls=subject.calls[norm.name],
        frozen=norm.name in read.frozen,
        stored=read.stored[norm.name],
        population=read.moments[norm.name],
        loaded=scatter_of(loaded, size, positions),
        regrouped=scatter_of(regrouped, size, positions),
        other=other,
    )


def _readings(
    read: Collected, examples: Examples, kinds: Kinds, size: int, order: Order
) -> Readings | None:
    loss = read.begun.loss
    if loss is None or examples.targets is None:
        return None
    scored = Scored(read.begun.discovery.subject, examples, loss)
    return readings(scored, kinds, size, order)


def _class_shares(examples: Examples, size: int) -> Array | None:
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
