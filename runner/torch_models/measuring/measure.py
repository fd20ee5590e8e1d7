"""`measure` reads a model's batch norms and as many examples as it needs, and returns evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from caviar.analysis.audit.evidence import Estimate, Evidence, Moments
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.begin import begun
from caviar.runner.torch_models.measuring.collected import (
    Collected,
    batches_of,
    class_shares,
    kinds_of,
    layers_of,
    readings_of_test,
    readings_of_training,
)
from caviar.runner.torch_models.measuring.enough import read_until, shortfall, shuffled
from caviar.runner.torch_models.measuring.population import estimated, estimated_by_parts
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.losses import LossFunction
from caviar.runner.torch_models.running.norms import (
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
        begin = begun(core, norms, reader, loss)
        size = _size(reader, begin.discovery.subject, batch_size)
        generator = np.random.default_rng([seed, 1])
        examples, moments = _read(reader, begin.discovery.subject, size, stored, generator)
        whole = reader.ended
        read = Collected(begin, size, examples, moments, stored, updates, still, whole)
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


def _size(reader: Reader, subject: Subject, given: int | None) -> int:
    """How many examples share a mean in training. Raises RequestError where they cannot."""
    size = reader.batch_size if given is None else given
    if size < 1:
        raise RequestError(f"batch size {size}: give how many examples share a mean, 1 or more")
    if size * min(subject.positions.values()) < 2:
        raise RequestError(
            ("the data come in batches of one example" if given is None else "batch size 1")
            + ", and a norm that sees one value per feature has no variance: give the batch size "
            "of training (`batch_size`, or --batch-size)"
        )
    return size


def _read(
    reader: Reader,
    subject: Subject,
    size: int,
    stored: dict[str, Moments | None],
    generator: np.random.Generator,
) -> tuple[Examples, dict[str, Estimate]]:
    """As many examples as the errors ask for, and the population's moments."""
    first = min(MOST_EXAMPLES, max(FIRST_EXAMPLES, FIRST_BATCHES * size))
    lacking = partial(shortfall, stored=stored)
    examples, errors = read_until(reader, subject, (first, MOST_EXAMPLES), lacking, generator)
    _check_number(examples.number, size)
    return examples, estimated(subject, examples, errors)


def _check_number(examples: int, size: int) -> None:
    if examples < max(2, size):
        raise RequestError(
            f"the data hold {examples} example{'s' * (examples > 1)}, fewer than one batch of "
            f"{max(2, size)}: give more of them, or a smaller batch size"
        )


def _evidence(
    read: Collected, test: Examples | None, steps: int | None, generator: np.random.Generator
) -> Evidence:
    subject, examples = read.begun.discovery.subject, read.examples
    order = generator.permutation(examples.number)
    batches = batches_of(read, order, generator)
    kinds = kinds_of(read, batches)
    other: dict[str, Estimate] = {}
    tested = None
    if test is not None:
        other = estimated(subject, test, estimated_by_parts(subject, shuffled(test, generator)))
        rows = generator.permutation(test.number)
        tested = readings_of_test(read, test, kinds, other, rows)
    return Evidence(
        layers=layers_of(read, batches, other),
        batch_size=read.size,
        steps=steps,
        train=readings_of_training(read, kinds, order),
        test=tested,
        class_shares=class_shares(examples, read.size),
        examples=examples.number,
        passes=0,
        never_called=read.begun.discovery.never_called,
        whole=read.whole,
    )
