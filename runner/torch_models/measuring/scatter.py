"""How statistics of train-mode batches scatter at the present weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from caviar.analysis.audit.evidence import Array, Moments, Scatter
from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.moments import TensorMoments, group_moments
from caviar.runner.torch_models.running.passes import Subject, forward


class BatchMoments(NamedTuple):
    """Mean and biased variance of every batch of one partition, `(batches, features)` float64."""

    mean: Array
    variance: Array


def batch_moments(
    subject: Subject, examples: Examples, size: int, *, training: bool = True
) -> dict[str, BatchMoments]:
    """Those of consecutive batches of `size`, lower norms on the same batch.

    Everything but the norms is in train mode or, without `training`, in evaluation mode.
    Examples beyond the last whole batch are left out. Of a norm that is called several times in
    a pass, each batch has the average over its calls, as a running average's rule takes them.
    """
    batches = examples.number // size
    together = max(1, subject.at_once // size) if subject.by_row else 1
    parts: dict[str, list[TensorMoments]] = {name: [] for name in subject.names}
    for start in range(0, batches, together):
        count = min(together, batches - start)
        calls: dict[str, list[TensorMoments]] = {name: [] for name in subject.names}

        def visit(
            name: str,
            x: Tensor,
            count: int = count,
            calls: dict[str, list[TensorMoments]] = calls,
        ) -> TensorMoments:
            calls[name].append(group_moments(x, len(x) // count))
            return calls[name][-1]

        part = examples.take(slice(start * size, (start + count) * size))
        until = subject.calls
        forward(subject.model, subject.norms, part.call, visit, training=training, until=until)
        for name, moments in subject.averaged(calls).items():
            parts[name].append(moments)
    return {
        name: BatchMoments(*(torch.cat(p).cpu().double().numpy() for p in zip(*rows, strict=True)))
        for name, rows in parts.items()
    }


def scatter_of(partitions: list[BatchMoments], size: int, positions: int) -> Scatter:
    """The scatter over all batches of several partitions of the same examples.

    Variances are taken within each partition: its batches are disjoint parts of the examples,
    and the sample variance of such parts is, for means exactly, that of independent batches.
    They are 0 where one batch holds everything.
    """
    every = BatchMoments(*(np.concatenate(parts) for parts in zip(*partitions, strict=True)))
    free = sum(len(p.mean) - 1 for p in partitions)
    within = [
        sum(np.square(p[i] - p[i].mean(axis=0)).sum(axis=0) for p in partitions) for i in (0, 1)
    ]
    variance = Moments(*(np.asarray(squares) / max(free, 1) for squares in within))
    return Scatter(
        Moments(every.mean.mean(axis=0), every.variance.mean(axis=0)),
        variance,
        batches=len(every.mean),
        examples=len(every.mean) * size,
        values=size * positions,
    )


def precise(partition: BatchMoments) -> Moments:
    """Evaluation statistics from many batches: Wu & Johnson 2021 (PreciseBN), total variance.

    The mean of the batch means; the mean of the biased batch variances plus the variance of the
    means.
    """
    mean = partition.mean.mean(axis=0)
    between = np.square(partition.mean - mean).mean(axis=0)
    return Moments(mean, partition.variance.mean(axis=0) + between)
