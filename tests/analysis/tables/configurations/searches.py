"""Invented random searches, whose validation loss depends on what a test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from caviar.analysis.run.read import Run
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, run_of, trial

SCALES = {
    "learning_rate": {"scale": "log_uniform", "low": 1e-3, "high": 1.0},
    "momentum": {"scale": "one_minus_log_uniform", "low": 0.5, "high": 0.99},
    "norm_batch_size": {"scale": "int_log2_uniform", "low": 4, "high": 64},
}


def log_rate(config: TrialConfig, seed: int) -> float:
    """Lower by a factor of ten for a learning rate ten times as high: the best is an edge."""
    return 0.01 / config.learning_rate


def search(
    root: Path, count: int, loss: Callable[[TrialConfig, int], float] = log_rate, seed: int = 0
) -> Run:
    """`count` trials of two seeds, drawn as a study would draw them."""
    generator = np.random.default_rng(seed)
    trials = [
        trial(
            seeds=range(2),
            draw=draw,
            learning_rate=float(10 ** generator.uniform(-3, 0)),
            momentum=float(1 - 10 ** generator.uniform(-2, np.log10(0.5))),
            norm_batch_size=int(2 ** generator.integers(2, 7)),
        )
        for draw in range(count)
    ]
    run = run_of(root, trials, World(validation=loss), name="search")
    run.study["study"]["nuisance"] = dict(SCALES)
    return run
