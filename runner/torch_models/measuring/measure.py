"""`measure` reads a model's batch norms and as many examples as it needs, and returns evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from caviar.analysis.audit.evidence import Estimate, Evidence, Moments
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.collected import (
    Begun,
    Collected,
    batches_of,
    class_shares,
    kinds_of,
    layers_of,
    readings_of_test,
    readings_of_training,
)
from caviar.runner.torch_models.measuring.enough import shortfall
from caviar.runner.torch_models.measuring.population import estimated, roughly_estimated
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.discovery import discovered
from caviar.runner.torch_models.running.losses import LossFunction, chosen_loss
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
    """More examples until errors are small enough or the data end: they fall as 1 / root n."""
    subject = audit.discovery.subject
    wanted = min(MOST_EXAMPLES, max(FIRST_EXAMPLES, FIRST_BATCHES * audit.size))
    while True:
        examples = reader.read(wanted)
        _check_number(examples.number, audit.size)
        lacking = shortfall(roughly_estimated(subject, examples, generator), stored)
        if examples.number < wanted or wanted >= MOST_EXAMPLES or lacking <= 1:
            return examples, estimated(subject, examples, generator)
        times = min(8.0, max(1.2, 1.1 * lacking**2))
        wanted = min(MOST_EXAMPLES, int(times * examples.number))


def _evidence(
    read: Collected, test: Examples | None, steps: int | None, generator: np.random.Generator
) -> Evidence:
    subject, examples = read.begun.discovery.subject, read.examples
    order = generator.permutation(examples.number)
    batches = batches_of(read, order, generator)
    kinds = kinds_of(read, batches)
    other = {} if test is None else estimated(subject, test, generator)
    tested = None
    if test is not None:
        rows = generator.permutation(test.number)
        tested = readings_of_test(read, test, kinds, other, rows)
    return Evidence(
        layers=layers_of(read, batches, other),
        batch_size=read.begun.size,
        steps=steps,
        train=readings_of_training(read, kinds, order),
        test=tested,
        class_shares=class_shares(examples, read.begun.size),
        examples=examples.number,
        passes=0,
        never_called=read.begun.discovery.never_called,
        whole=read.whole,
    )
