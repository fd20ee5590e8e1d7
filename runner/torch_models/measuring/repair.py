"""`repair` writes into a model's batch norms the statistics that its inputs have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from caviar.analysis.audit.evidence import Estimate, Moments
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.begin import Begun, begun
from caviar.runner.torch_models.measuring.enough import distance_of, read_until, relative_error, rms
from caviar.runner.torch_models.measuring.population import estimated
from caviar.runner.torch_models.measuring.readings import Scored, difference
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.losses import LossFunction
from caviar.runner.torch_models.running.norms import (
    BUFFERS,
    TorchNorm,
    frozen_in_training,
    norms_of,
    unwrapped,
)
from caviar.runner.torch_models.running.passes import Subject
from caviar.runner.torch_models.running.untouched import untouched

TOLERANCE = 0.005
"""Examples are read until each norm's errors are below this: in deviations, as a log ratio."""

FEWEST_EXAMPLES, FIRST_EXAMPLES, MOST_EXAMPLES = 32, 2048, 2**20

HURTS = 0.02
"""Recomputing hurts where it raises the loss by more than this share (and 0.01 nats), clearly."""

MOST_SCORED = 4096
"""At most so many examples tell whether recomputing hurts."""

LEAST_START = 1e-3
"""A start that weighs less than this is not at fault."""


@dataclass(frozen=True)
class RepairedNorm:
    """How far one norm's statistics were moved, and how wrong they still may be.

    Root mean squares over features: of the mean in standard deviations, of the variance as log
    ratio. The errors are those against all data of which the examples read are a sample; None
    where the start was taken out without data. `start` is how much the start weighed, None with
    data.
    """

    name: str
    mean_moved: float
    variance_moved: float
    mean_error: float | None
    variance_error: float | None
    start: float | None


@dataclass(frozen=True)
class Repair:
    """What was written, norm by norm, and how many examples it took.

    `whole` says that the examples are all that the data hold: then the statistics are exact for
    them. Printed, it is a table.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8))
    >>> x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
    >>> repair = caviar.repair(model, [10 * x[i : i + 64] for i in range(0, 512, 64)])
    >>> repair.examples, repair.whole, repair.norms[0].name
    (512, True, '1')
    >>> print(repair)
    norm  mean moved  variance  error of mean  of variance
    1...
    """

    norms: tuple[RepairedNorm, ...]
    examples: int
    whole: bool

    def __str__(self) -> str:
        width = max(len(norm.name) for norm in self.norms)
        rows = [f"{'norm':<{width}}  mean moved  variance  error of mean  of variance"]
        rows += [
            f"{n.name:<{width}}  {n.mean_moved:10.3f}  {n.variance_moved:8.3f}"
            f"  {_shown(n.mean_error):>13}  {_shown(n.variance_error):>11}"
            for n in self.norms
        ]
        return "\n".join(rows)


def _shown(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def repair(
    model: nn.Module,
    batches: Iterable[Any] | None = None,
    *,
    loss: LossFunction | None = None,
    inputs: Part = None,
    target: Part = None,
    seed: int = 0,
) -> Repair:
    """What `caviar.repair` does."""
    core = unwrapped(model)
    norms = norms_of(core)
    stored = {norm.name: norm.stored() for norm in norms}
    if all(held is None for held in stored.values()):
        raise RequestError(
            "no batch norm of the model keeps statistics (track_running_stats=False), so there is "
            "nothing to repair: each evaluation uses its own batch"
        )
    if batches is None:
        return _without_start(norms)
    with untouched(core, batches, seed=seed), np.errstate(all="ignore"):
        frozen = frozen_in_training(core, norms)
        reader = Reader(batches, core, inputs, target)
        begin = begun(core, norms, reader, loss)
        subject = begin.discovery.subject
        examples, moments = _read(reader, subject, np.random.default_rng(seed))
        _refuse_to_hurt(begin, examples, moments, stored, frozen)
    before = {name: held for name in moments if (held := stored[name]) is not None}
    for norm in subject.norms:
        if norm.name in before:
            _write(norm, moments[norm.name].moments)
    repaired = (_with_data(name, held, moments[name]) for name, held in before.items())
    return Repair(tuple(repaired), examples.number, reader.ended)


def _read(
    reader: Reader, subject: Subject, generator: np.random.Generator
) -> tuple[Examples, dict[str, Estimate]]:
    """As many examples as the tolerance asks for, and the population's moments."""
    between = FIRST_EXAMPLES, MOST_EXAMPLES
    examples, errors = read_until(reader, subject, between, _shortfall, generator)
    if examples.number < FEWEST_EXAMPLES:
        raise RequestError(
            f"the data hold {examples.number} examples, too few to tell how wrong new statistics "
            f"would be: give {FEWEST_EXAMPLES} or more"
        )
    return examples, estimated(subject, examples, errors)


def _shortfall(moments: Mapping[str, Estimate]) -> float:
    errors = [relative_error(one) for one in moments.values()]
    return max(max(rms(error.mean), rms(error.variance)) for error in errors) / TOLERANCE


def _with_data(name: str, stored: Moments, estimate: Estimate) -> RepairedNorm:
    moved, error = distance_of(estimate, stored), relative_error(estimate)
    return RepairedNorm(
        name, rms(moved.mean), rms(moved.variance), rms(error.mean), rms(error.variance), None
    )


def _write(norm: TorchNorm, moments: Moments) -> None:
    """Into the buffers that are there, in their precision."""
    with torch.no_grad():
        for name, values in zip(BUFFERS, (moments.mean, moments.variance), strict=True):
            buffer = getattr(norm.module, name)
            buffer.copy_(torch.as_tensor(values, dtype=buffer.dtype))


def _refuse_to_hurt(
    begin: Begun,
    examples: Examples,
    moments: dict[str, Estimate],
    stored: dict[str, Moments | None],
    frozen: frozenset[str],
) -> None:
    """Raise RequestError where the loss would clearly rise, or where that cannot be told."""
    held = {name: one for name in moments if (one := stored[name]) is not None}
    known = {name: one.moments for name, one in moments.items()}
    if begin.loss is None or examples.targets is None:
        if names := [name for name in moments if name in frozen]:
            raise RequestError(
                f"norm {names[0]!r} is frozen in training, so the weights may need the statistics "
                "that it holds: give labels and `loss`, by which to see whether new ones hurt"
            )
        return
    rows = np.arange(examples.number)[:MOST_SCORED]
    scored = Scored(begin.discovery.subject, examples, begin.loss)
    after, before = scored.under(known, rows), scored.under(known | held, rows)
    rise = difference(after, before, 1)
    allowed = max(0.01, HURTS * float(before.loss.mean()))
    if rise.loss - 3 * rise.error > 0 and rise.loss > allowed:
        raise RequestError(
            f"recomputing would raise the loss from {before.loss.mean():.3f} to "
            f"{after.loss.mean():.3f}: the weights were trained with the statistics that are "
            "stored, as when batch norm is frozen in training; leave them as they are"
        )


def _without_start(norms: tuple[TorchNorm, ...]) -> Repair:
    """Take the start out of exponential averages: (r - w start) / (1 - w), w = decay^updates."""
    weights = {norm.name: _start_weight(norm) for norm in norms}
    if max(weights.values()) < LEAST_START:
        raise RequestError(
            "the start weighs less than 0.1 % in every norm, so without data there is nothing to "
            "repair: give batches of training data"
        )
    repaired = []
    for norm in norms:
        stored, weight = norm.stored(), weights[norm.name]
        if stored is None or weight == 0:
            continue
        mean, variance = stored.mean / (1 - weight), (stored.variance - weight) / (1 - weight)
        if np.any(variance < 0):
            raise RequestError(
                f"norm {norm.name!r} holds variances below {weight:.3g}, the weight that the start "
                "at 1 should have: it began elsewhere; give batches of training data"
            )
        exact = Estimate(Moments(mean, variance), Moments(mean * np.nan, mean * np.nan))
        moved = distance_of(exact, stored)
        _write(norm, exact.moments)
        repaired.append(
            RepairedNorm(norm.name, rms(moved.mean), rms(moved.variance), None, None, weight)
        )
    return Repair(tuple(repaired), 0, False)


def _start_weight(norm: TorchNorm) -> float:
    """What the start still weighs in an average after its updates; 0 in a cumulative one."""
    if norm.updates is None or norm.stored() is None:
        return 0.0
    if norm.updates == 0 or norm.momentum == 0.0:
        raise RequestError(
            f"norm {norm.name!r} was never updated, so it holds nothing of any data: give batches "
            "of training data"
        )
    return 0.0 if norm.momentum is None else (1 - norm.momentum) ** norm.updates
