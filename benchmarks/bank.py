"""What a bank of 24 running averages adds to a training step of 784-256-256-10.

The watched and the unwatched step run in turn on the same arrays; the bank holds every
framework's rule and seven plain ones.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.averages.frameworks import FRAMEWORKS
from caviar.model.network import mlp, training_moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.loss import mean_cross_entropy_gradient
from caviar.model.steps.optimizers import Momentum
from caviar.model.steps.random_streams import streams


class Sizes(NamedTuple):
    """The pairs of steps of a row, and the replicas and batch size of every row."""

    pairs: int
    cases: tuple[tuple[int, int], ...]


FULL = Sizes(pairs=60, cases=((1, 64), (1, 128), (1, 256), (8, 256)))
QUICK = Sizes(pairs=3, cases=((1, 16), (2, 16)))


def make(batch: int, replicas: int) -> tuple[Callable[[], object], Callable[[], object], int]:
    """One training step, one update of the bank with its statistics, and the bank's size."""
    network = mlp((256, 256), 10, norm=Norm(BatchNorm(batch)), activation="relu", dropout=0.0)
    seeds = tuple(range(replicas))
    parameters, _ = network.init(streams(seeds, "weights"), 784, np.float32)
    plain = tuple(CONVENTIONS[name] for name in ("biased", "unbiased", "debiased"))
    bank = RunningStatistics(
        (*trackers(tuple(FRAMEWORKS.values()), ()), *trackers(plain, (0.9, 0.99, 0.999))[:7])
    )
    optimizer = Momentum(0.9)
    state, running = optimizer.init(parameters), bank.init(network, parameters)
    generator = np.random.default_rng(0)
    x = generator.standard_normal((replicas, batch, 784), dtype=np.float32)
    y = generator.integers(0, 10, (replicas, batch))
    _, first = network.forward(parameters, x, ())
    moments = training_moments(first)

    def step() -> object:
        logits, tape = network.forward(parameters, x, ())
        _, gradients = network.backward(parameters, tape, mean_cross_entropy_gradient(logits, y))
        return optimizer.step(state, parameters, gradients, 0.05)

    def watch() -> object:
        return bank.update(running, moments, batch)

    return step, watch, len(bank.trackers)


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(sizes: Sizes) -> None:
    """Print the table: medians of interleaved pairs."""
    print(machine.describe())
    print("\n| replicas | batch | trackers | step (ms) | bank (ms) | bank / step |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for replicas, batch in sizes.cases:
        step, watch, size = make(batch, replicas)
        pairs = [(seconds(step), seconds(watch)) for _ in range(sizes.pairs)]
        a, b = (1000 * statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"| {replicas} | {batch} | {size} | {a:.2f} | {b:.2f} | {b / a:.1%} |", flush=True)


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
