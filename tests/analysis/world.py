"""The truth of an invented run: what its trials measure at the last step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig

Measure = Callable[[TrialConfig, int], float]

DIGITS = DatasetConfig(name="digits", train=1024, validation=256)
STEPS = 10
EXAMPLES = {"train": 1024, "validation": 256, "test": 517}
SHARES = {"sampling": 0.5, "staleness": 0.3, "propagation": 0.2}
EARLIER = 3.0
"""What is added to every loss half way, so that only the last step has the truth."""


def size(config: TrialConfig) -> int:
    """The size trained with."""
    return config.norm_batch_size or config.batch_size


def wiggle(config: TrialConfig, seed: int) -> float:
    """A small number that differs by seed and size, so that intervals have a width."""
    return math.sin(7.0 * seed + size(config)) * 1e-3


@dataclass(frozen=True)
class World:
    """What trials measure at the last step, in nats (accuracy: a share).

    `damage`, `precise` and `evalnorm` are what other statistics add to a population loss.
    `sorting` is what batches sorted by class add to a loss under batch statistics.
    `network` and `tracked` replace columns of the noise table's network rows, by probed size,
    and of the statistics table.
    """

    train: Measure = lambda config, seed: 0.05 + wiggle(config, seed)
    validation: Measure = lambda config, seed: 0.25 + wiggle(config, seed)
    test: Measure = lambda config, seed: 0.2 + wiggle(config, seed)
    accuracy: Measure = lambda config, seed: 0.9
    penalty: Measure = lambda config, seed: 1 / size(config)
    damage: Callable[[TrialConfig, int, str], float] = lambda config, seed, tracker: (
        0.2 / size(config) + wiggle(config, seed) / 100
    )
    mean_error: Callable[[TrialConfig, int, str, str], float] = (
        lambda config, seed, layer, tracker: 0.4 / size(config) + wiggle(config, seed) / 10
    )
    variance_error: Callable[[TrialConfig, int, str, str], float] = (
        lambda config, seed, layer, tracker: 0.8 / size(config) + wiggle(config, seed) / 10
    )
    sorting: Measure = lambda config, seed: 2 + 8 / size(config) + wiggle(config, seed)
    precise: Measure = lambda config, seed: -0.125
    evalnorm: Measure = lambda config, seed: 0.25
    network: Callable[[TrialConfig, int, int], dict[str, float]] = lambda config, seed, m: {}
    tracked: Callable[[TrialConfig, int, str, str], dict[str, float]] = (
        lambda config, seed, layer, tracker: {}
    )
    kurtosis: Callable[[TrialConfig, int, str], float] = lambda config, seed, layer: 1.0
