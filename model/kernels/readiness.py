"""Kernels compiled, or loaded from disk, before they are needed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.kernels.by_layer.hidden import hidden_layers
from caviar.model.kernels.supported import all_at_once, descent_of, without_kernel
from caviar.model.kernels.train import train
from caviar.model.steps.examples import Examples
from caviar.model.steps.setup import Probes, Splits, Training

NOTHING: frozenset[int] = frozenset()


def make_ready(trainings: Iterable[Training], stored: DTypeLike, dtype: DTypeLike) -> None:
    """Have every kernel of these trainings in `dtype` on data stored as `stored`.

    One of each kind that is compiled takes a step on a few invented examples.
    """
    kinds = {_kind(training): training for training in trainings if not without_kernel(training)}
    for training in kinds.values():
        whole = all_at_once(training)
        one_step = replace(
            training,
            seeds=(0,),
            steps=1,
            curve_steps=NOTHING,
            probes=_every_kind(training, whole),
        )
        examples = _examples(training.batch_size + training.company, stored, dtype)
        list(train(one_step, Splits(examples, examples, examples)))


def _kind(training: Training) -> Hashable:
    """What the machine code of a training depends on."""
    if all_at_once(training):
        return ""
    descent = descent_of(training.optimizer)
    normaliser = hidden_layers(training.network)[0].normaliser
    return type(normaliser), descent is not None and descent.adam is not None


def _every_kind(training: Training, shadow: bool) -> Probes:
    """Everything that is measured, after the first step."""
    now, count = frozenset({1}), training.batch_size + training.company
    sizes = (training.norm_batch_size,)
    return Probes(now, now, sizes, count, gradient_batches=2, shadow=shadow)


def _examples(count: int, stored: DTypeLike, dtype: DTypeLike) -> Examples:
    return Examples(
        features=(np.arange(count) % 7)[:, None].astype(stored),
        labels=np.zeros((1, count), np.int64),
        index=np.arange(count)[None],
        centre=np.zeros((1, 1, 1), dtype),
        scale=np.ones((1, 1, 1), dtype),
        dtype=np.dtype(dtype),
    )
