"""Matrices in flat arrays, and training runs that have a kernel."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.averages.bank import RunningStatistics
from caviar.model.contract import Array
from caviar.model.kernels.layout import aligned, lanes_of
from caviar.model.kernels.train import train
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm, Normaliser
from caviar.model.records import Record
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import Momentum, Optimizer
from caviar.model.steps.schedules import cosine
from caviar.model.steps.setup import Probes, Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train as plain_train
from caviar.runner.trial.run_trial import Trainer
from tests.model.helpers import ALL_TRACKERS, random_examples, small_mlp

NOTHING = Probes(frozenset(), frozenset(), (), 0)
STEPS = 100
PROBED = Probes(frozenset({50, STEPS}), frozenset({STEPS}), (2, 8), 40)
SHADOWED = replace(PROBED, shadow=True)


class Flat:
    """Matrices side by side in one flat array, rows padded to whole vectors."""

    def __init__(self, dtype: DTypeLike, *shapes: tuple[int, int]) -> None:
        self.lanes, self.shapes = lanes_of(dtype), shapes
        self.rows = [-(-columns // self.lanes) * self.lanes for _, columns in shapes]
        heights = [-(-rows // self.lanes) * self.lanes for rows, _ in shapes]
        sizes = [height * row for height, row in zip(heights, self.rows, strict=True)]
        self.places = [sum(sizes[:i]) for i in range(len(sizes))]
        self.array = aligned(1, sum(sizes), dtype)[0]

    def __getitem__(self, i: int) -> Array:
        (rows, columns), row, start = self.shapes[i], self.rows[i], self.places[i]
        matrix: Array = self.array[start : start + rows * row].reshape(rows, row)[:, :columns]
        return matrix

    def vectors(self, i: int) -> int:
        return self.rows[i] // self.lanes


def training(
    steps: int,
    size: int = 8,
    *,
    batch: int = 8,
    hidden: tuple[int, ...] = (6, 5),
    seeds: tuple[int, ...] = (3, 4),
    optimizer: Optimizer | None = None,
    **changes: Any,
) -> Training:
    """Batch norm over ghosts of `size` in batches of `batch`, watched by every plain average."""
    whole = Training(
        network=small_mlp(Norm(BatchNorm(size)), hidden=hidden),
        optimizer=optimizer or Momentum(0.9),
        schedule=cosine,
        running=RunningStatistics(ALL_TRACKERS),
        seeds=seeds,
        steps=steps,
        batch_size=batch,
        norm_batch_size=size,
        epsilon=1e-5,
        learning_rate=0.05,
        curve_steps=frozenset({1, steps // 2, steps}),
        probes=NOTHING,
        company=max(size - batch, 0),
    )
    return replace(whole, **changes)


def arm(norm: Normaliser | None, *, dropout: float = 0.0, **changes: Any) -> Training:
    """A hundred steps with this norm in batches of 8, measured twice."""
    network = small_mlp(Norm(norm) if norm else "none", dropout=dropout)
    settings: dict[str, Any] = {"network": network, "probes": PROBED, "company": 0}
    return replace(training(STEPS, 4), **settings | changes)


def splits(seeds: int = 2, *, features: int = 4, dtype: DTypeLike = np.float64) -> Splits:
    """Random examples of three classes, the same in every split."""
    data = random_examples(60, seeds, features=features)
    cast = replace(
        data, centre=data.centre.astype(dtype), scale=data.scale.astype(dtype), dtype=dtype
    )
    return Splits(cast, cast, cast)


def first_batch(examples: Examples, size: int) -> Array:
    """Rows `(replicas, size)`, others for each replica."""
    return np.stack([np.roll(np.arange(len(examples)), r)[:size] for r in range(examples.replicas)])


def numbers(records: list[Record]) -> list[dict[str, Any]]:
    """The fields of each record."""
    return [{f.name: getattr(record, f.name) for f in fields(record)} for record in records]


def differences(run: Training, data: Splits) -> float:
    """The largest difference between the records of both paths, relative where above 1."""
    worst = 0.0
    pairs = [numbers(list(path(run, data))) for path in (train, plain_train)]
    for ours, theirs in zip(*pairs, strict=True):
        for name, value in theirs.items():
            if isinstance(value, np.ndarray):
                error = np.abs(ours[name] - value) / np.maximum(1, np.abs(value))
                worst = max(worst, np.nanmax(error, initial=0))
                np.testing.assert_array_equal(np.isnan(ours[name]), np.isnan(value))
            else:
                assert ours[name] == value
    return worst


def apart(run: Training) -> float:
    """The same on random examples of two seeds."""
    return differences(run, splits())


def stopped(path: Trainer, run: Training, data: Splits) -> tuple[Snapshot, list[Record]]:
    """A snapshot after the measurement of step 11, and all that comes behind it."""
    whole = list(path(run, data, None, lambda: True, None))
    middle = next(r for r in whole if isinstance(r, Snapshot) and r.step == 11)
    return middle, [r for r in whole[whole.index(middle) :] if not isinstance(r, Snapshot)]
