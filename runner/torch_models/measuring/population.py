"""Moments of every norm's input at the present weights, with all lower norms already right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from caviar.analysis.audit.evidence import Array, Estimate, Moments
from caviar.runner.torch_models.measuring.scatter import batch_moments
from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.moments import (
    Sums,
    TensorMoments,
    group_moments,
    row_moments,
    summing_type,
)
from caviar.runner.torch_models.running.passes import Statistics, Subject, forward

CHANGE = 1e-7
"""Sweeps end when no moment moves by more than this share of a deviation or of a variance."""

LIVE_INPUTS = 6
"""How many inputs of the widest norm a pass holds at a time, about."""

MOST_BYTES = 2**30

PARTS = 16
"""The standard error of a population comes from the scatter between so many parts of it."""


def estimated(
    subject: Subject, examples: Examples, errors: Mapping[str, Estimate]
) -> dict[str, Estimate]:
    """The population's moments over the examples, with the standard errors that are known."""
    exact = population(subject, examples)
    return {
        name: replace(
            estimate, moments=Moments(*(part[0].cpu().double().numpy() for part in exact[name]))
        )
        for name, estimate in errors.items()
    }


def estimated_by_parts(subject: Subject, examples: Examples) -> dict[str, Estimate]:
    """The average over consecutive parts of the examples, and standard errors from their scatter.

    The error is that of parts drawn independently: of examples, if they come in a random order.
    In each part lower norms are right for that part: so it counts what the positions of one
    example share, and that what moves a lower norm's input moves its statistics, too.
    """
    parts = max(1, min(PARTS, examples.number // 2))
    size = examples.number // parts
    return {
        name: Estimate(
            Moments(by_part.mean.mean(axis=0), by_part.variance.mean(axis=0)),
            Moments(*map(_error, by_part)),
        )
        for name, by_part in batch_moments(subject, examples, size, training=False).items()
    }


def _error(values: Array) -> Array:
    if len(values) < 2:
        return np.full(values.shape[1], np.inf)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def population(subject: Subject, examples: Examples) -> dict[str, TensorMoments]:
    """The moments over all `examples`, `(1, features)` by norm.

    One pass of everything at once where memory allows, since each norm then sees its whole input
    under lower norms that are right. Else sweeps in parts: each sweep uses the moments of the one
    before, so that after k sweeps the first k norms are exact; they end when nothing moves. A
    norm that is called several times in a pass normalises each call by that call's own moments,
    and holds the average over its calls, as in training.
    """
    at_once = max(2, MOST_BYTES // (LIVE_INPUTS * subject.bytes_per_example))
    known = _of_one_pass(subject, examples.take(slice(0, at_once)))
    if examples.number > at_once:
        for _ in range(sum(subject.calls.values()) + 1):
            before, known = known, _sweep(subject, examples, known, at_once)
            if _moved(before, known) <= CHANGE:
                break
    return subject.averaged(known)


Calls = dict[str, list[TensorMoments]]
"""Moments `(1, features)` of every call of a pass, by norm."""


def fixed(moments: dict[str, TensorMoments]) -> Statistics:
    """The same moments, `(1, features)` by norm, for every input."""
    return lambda name, x: moments[name]


def _of_one_pass(subject: Subject, examples: Examples) -> Calls:
    calls: Calls = {name: [] for name in subject.names}

    def visit(name: str, x: Tensor) -> TensorMoments:
        calls[name].append(group_moments(x, len(x)))
        return calls[name][-1]

    forward(subject.model, subject.norms, examples.call, visit, until=subject.calls)
    return calls


def _sweep(subject: Subject, examples: Examples, known: Calls, at_once: int) -> Calls:
    centres: dict[tuple[str, int], Tensor] = {}
    sums: dict[str, list[Sums]] = {}
    for start in range(0, examples.number, at_once):
        part: dict[str, list[Sums]] = {name: [] for name in subject.names}

        def visit(name: str, x: Tensor, part: dict[str, list[Sums]] = part) -> TensorMoments:
            call = len(part[name])
            moments = known[name][call]
            centre = centres.setdefault((name, call), moments.mean[0].to(summing_type(x)))
            part[name].append(Sums.of(row_moments(x, centre)))
            return moments

        some = examples.take(slice(start, start + at_once))
        forward(subject.model, subject.norms, some.call, visit, until=subject.calls)
        sums = _added(sums, part) if sums else part
    return {
        name: [one.moments(centres[name, call]) for call, one in enumerate(calls)]
        for name, calls in sums.items()
    }


def _added(sums: dict[str, list[Sums]], part: dict[str, list[Sums]]) -> dict[str, list[Sums]]:
    return {
        name: [one.plus(more) for one, more in zip(calls, part[name], strict=True)]
        for name, calls in sums.items()
    }


def _moved(before: Calls, after: Calls) -> float:
    """The largest move; 0 where all is NaN, since nothing can be gained there."""
    moves = []
    for name, calls in after.items():
        for (mean, variance), old in zip(calls, before[name], strict=True):
            scale = torch.where(variance > 0, variance, torch.ones_like(variance))
            moves.append((mean - old.mean).abs() / scale.sqrt())
            moves.append((variance - old.variance).abs() / scale)
    return float(max(move.nan_to_num(0.0).max() for move in moves))
