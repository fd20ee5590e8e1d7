"""The batch statistics that training would see at frozen weights, over the whole training set."""

from __future__ import annotations

from typing import Any

import numpy as np

from caviar.model.averages.bank import Propagated, frozen
from caviar.model.contract import Array, Generators, Moments, NetworkParameters
from caviar.model.network import Statistics, training_moments
from caviar.model.steps.examples import Examples
from caviar.model.steps.gradient import Rows, batch_of
from caviar.model.steps.setup import Training


def watched(tape: dict[str, Any], examples: int) -> tuple[dict[str, Moments], int]:
    """Batch statistics of a forward pass of `examples`, and how many examples share one mean."""
    moments = training_moments(tape)
    groups = {m.mean.shape[1] for m in moments.values()} or {1}
    (ghosts,) = groups
    return moments, examples // ghosts


def propagated(
    training: Training, parameters: NetworkParameters, examples: Examples, generators: Generators
) -> Propagated:
    """Train-mode statistics of every ghost of one random epoch, without changing a weight.

    Deeper layers see what the batch statistics of the layers below make of their inputs, as in
    training. Examples beyond the last whole batch are left out, different ones each time.
    `parameters` holds the references too.
    """
    each = training.batch_size + training.company
    network = training.network.up_to_last_norm()
    order = np.stack([g.permutation(len(examples)) for g in generators])
    by_batch: list[dict[str, Moments]] = []
    size = each
    for start in range(0, len(examples) - each + 1, each):
        rows = order[:, start : start + each]
        split = Rows(rows[:, : training.batch_size], rows[:, training.batch_size :])
        x, _ = batch_of(training, examples, split)
        _, tape = network.forward(parameters, x, generators)
        moments, size = watched(tape, each)
        by_batch.append(moments)
    return Propagated(
        {
            name: Moments(
                np.concatenate([s[name].mean for s in by_batch], axis=1),
                np.concatenate([s[name].variance for s in by_batch], axis=1),
            )
            for name in by_batch[0]
        },
        size,
        each // size,
    )


def precise(batches: Propagated) -> Statistics:
    """Evaluation statistics from many batches at the same weights, each counting the same.

    Mean of the batch means; mean of the biased batch variances plus the variance of the means:
    the total-variance estimator of Wu & Johnson 2021 (PreciseBN).
    """
    return frozen({name: _total(m) for name, m in batches.moments.items()})


def _total(moments: Moments) -> Moments:
    mean = moments.mean.mean(axis=1, keepdims=True, dtype=np.float64)
    away: Array = moments.mean - mean
    variance = moments.variance.mean(axis=1, keepdims=True, dtype=np.float64)
    return Moments(mean, variance + np.mean(away * away, axis=1, keepdims=True))
