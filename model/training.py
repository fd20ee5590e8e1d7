"""What a training run depends on: the splits of the data and the settings."""

from __future__ import annotations

from dataclasses import dataclass

from model.examples import Examples
from model.network import Network
from model.optim import Optimizer
from model.running import RunningStatistics
from model.schedule import Schedule


@dataclass(frozen=True)
class Splits:
    """The three splits of every replica."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Training:
    """Everything a run depends on besides the data.

    `curve_steps` and `evaluation_steps` are the steps after which rows are reported;
    `norm_batch_size` is what the batch-norm layers of `network` were built with.
    """

    network: Network
    optimizer: Optimizer
    schedule: Schedule
    running: RunningStatistics
    seeds: tuple[int, ...]
    steps: int
    batch_size: int
    norm_batch_size: int
    epsilon: float
    learning_rate: float
    curve_steps: frozenset[int]
    evaluation_steps: frozenset[int]
    probe_batch_sizes: tuple[int, ...]
