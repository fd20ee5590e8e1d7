"""Kernels compiled, or loaded from disk, before they are needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.kernels.train import train
from caviar.model.network import mlp
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import Sgd
from caviar.model.steps.schedules import constant
from caviar.model.steps.setup import Probes, Splits, Training


def make_ready(stored: DTypeLike, dtype: DTypeLike) -> None:
    """Have every kernel of trials in `dtype` on data stored as `stored`, by a training of one step
    on four zeros."""
    examples = Examples(
        features=np.zeros((4, 1), stored),
        labels=np.zeros((1, 4), np.int64),
        index=np.arange(4)[None],
        centre=np.zeros((1, 1, 1), dtype),
        scale=np.zeros((1, 1, 1), dtype),
        dtype=np.dtype(dtype),
    )
    training = Training(
        network=mlp((1,), 2, norm=Norm(BatchNorm(4))),
        optimizer=Sgd(),
        schedule=constant,
        running=RunningStatistics(trackers((CONVENTIONS["biased"],), (0.9,))),
        seeds=(0,),
        steps=1,
        batch_size=4,
        norm_batch_size=4,
        epsilon=1e-5,
        learning_rate=1.0,
        curve_steps=frozenset(),
        probes=Probes(frozenset(), frozenset(), (), 0, shadow=True),
    )
    list(train(training, Splits(examples, examples, examples)))
