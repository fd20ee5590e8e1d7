"""How much memory a worker will need: its program, the data, and the largest moment of a trial."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from caviar.model.measurements.batch_noise import FEATURES, NOISE_BATCHES, PARTITIONS
from caviar.model.measurements.losses import KEPT as KEPT_OUTPUTS
from caviar.model.measurements.losses import at_once
from caviar.runner.data.splits import Data
from caviar.runner.forecast.rows import Laid

PROGRAM = 130e6
"""A worker before it has data: Python, numpy, pyarrow and pydantic."""

SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Arrays like the weights that an optimiser carries."""

LIST_ITEM = 32
"""A number of a list: a reference and an object."""

BESIDE = 4
"""Arrays of a layer's width that exist at once while a layer is evaluated."""

KEPT = 3
"""Arrays of a layer's width that a backward pass at frozen statistics keeps for each."""

TAPE = 7
"""Arrays of a layer's width that a training pass keeps or makes for each hidden layer."""


class Memory(NamedTuple):
    """Bytes of a worker; `passing` is the largest of what exists for a moment only."""

    program: float
    data: float
    state: float
    passing: float

    @property
    def in_all(self) -> float:
        return sum(self)


def memory_of_trial(trial: Laid, data: Data) -> Memory:
    """What a worker needs for a trial, within a factor of two."""
    config, training, sizes = trial
    seeds, item = len(config.seeds), np.dtype(config.dtype).itemsize
    features, classes = data.features.shape[1], len(data.classes)
    widest, hidden = max((*config.hidden, 1)), sum(config.hidden)
    read = features * (data.features.itemsize + item)  # As it is stored, and as numbers of a trial.
    state = _state(trial, features, classes)
    trained = seeds * sizes.step * (read + item * (TAPE * hidden + BESIDE * classes))
    chunk = seeds * min(at_once(training.network, seeds), sizes.train)
    evaluated = chunk * (read + item * BESIDE * max(widest, classes)) + _kept(trial, item)
    predicted = chunk * (read + item * (KEPT * hidden + BESIDE * classes))
    standardising = sizes.train * features * (data.features.itemsize + 8)
    moments = [standardising, trained, evaluated]
    if training.network.norm_layers:
        moments += [predicted, sizes.train * (read + item * BESIDE * widest) + _noise(trial, item)]
    listed = seeds * sizes.test * classes * LIST_ITEM * config.log_probabilities
    return Memory(PROGRAM, _data(trial, data), state, max(moments) + listed)


def _kept(trial: Laid, item: int) -> float:
    """First outputs of the training split and another one, which kernels keep where they are few
    enough."""
    first = (*trial.config.hidden, 0)[0] * len(trial.config.seeds)
    counts = (first * trial.sizes.train, first * max(trial.sizes.validation, trial.sizes.test))
    batch_norms = bool(trial.training.network.norm_layers)
    return float(item * batch_norms * sum(count for count in counts if count <= KEPT_OUTPUTS))


def _data(trial: Laid, data: Data) -> float:
    """The data, moved to their origin if they have one, and the rows of every seed's splits."""
    moved = 0 if data.origin is None else data.features.size * 8
    order = 2 * len(trial.config.seeds) * len(data.labels) * 8
    return float(data.features.nbytes + moved + data.labels.nbytes + order)


def _state(trial: Laid, features: int, classes: int) -> float:
    """Parameters and optimiser before and after a step, gradients, and averages."""
    config, training, _ = trial
    widths, seeds = (features, *config.hidden, classes), len(config.seeds)
    weights = sum(a * b for a, b in itertools.pairwise(widths)) + 3 * sum(widths[1:])
    copies = 4 + 2 * SLOTS[config.optimizer]
    averages = 4 * 2 * 8 * len(training.running.trackers) * sum(config.hidden)
    return float(seeds * (copies * weights * np.dtype(config.dtype).itemsize + averages))


def _noise(trial: Laid, item: int) -> float:
    """The partitions of one layer's inputs into batches of every size, for one seed."""
    train = trial.sizes.train
    rounds = [
        max(PARTITIONS, -(-NOISE_BATCHES // (train // m))) for m in trial.training.probes.sizes
    ]
    return float(train * FEATURES * (3 * 8 + item * sum(rounds)))
