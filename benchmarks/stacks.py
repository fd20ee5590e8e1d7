"""Microseconds per step of one network by how many replicas a worker trains as one stack.

Seeds of a trial are one stack; trials with other learning rates of the same shape could join it.
Whether that would pay is the ratio of one replica to many: above 1, a larger stack is faster per
network. Processor time on one core, without measurements; sides take turns, and each figure is the
least of its rounds. `weights` is what one replica keeps, with its velocities.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import training

from caviar.model.train import train as train_on_numpy

STACKS = (1, 2, 8, 32)


class Sizes(NamedTuple):
    """Rounds, multiply-adds of one measurement of one replica, networks and batch sizes."""

    rounds: int
    work: float
    networks: tuple[tuple[int, ...], ...]
    batches: tuple[int, ...]


FULL = Sizes(5, 2e8, training.SHAPES, (4, 32, 256))
QUICK = Sizes(1, 2e6, training.SHAPES[:1], (4,))


def measured(
    path: Callable[..., object], widths: tuple[int, ...], batch: int, sizes: Sizes
) -> list[float]:
    """Microseconds per step of one network, for each size of the stack."""
    weights = sum(a * b for a, b in itertools.pairwise((*widths, training.CLASSES)))
    steps = max(4, min(400, int(sizes.work / (3 * weights * batch))))
    sides = [training.caviar_side(path, widths, batch, stack, steps) for stack in STACKS]
    for run in sides:
        run()
    least = [float("inf")] * len(STACKS)
    for _ in range(sizes.rounds):
        for place, (stack, run) in enumerate(zip(STACKS, sides, strict=True)):
            began = time.process_time()
            run()
            each = 1e6 * (time.process_time() - began) / (stack * steps)
            least[place] = min(least[place], each)
    return least


def main(sizes: Sizes) -> None:
    """Print the table."""
    from caviar.model.kernels.train import train as train_on_kernels

    print(machine.on_one_core())
    print(machine.describe())
    stacks = " | ".join(f"{stack}" for stack in STACKS)
    print(f"| network | weights (KiB) | m | path | {stacks} | 1 / 8 | 1 / 32 |")
    print(f"| --- | ---: | ---: | --- |{' ---: |' * (len(STACKS) + 2)}")
    for widths, batch in itertools.product(sizes.networks, sizes.batches):
        weights = sum(a * b for a, b in itertools.pairwise((*widths, training.CLASSES)))
        for name, path in (("compiled", train_on_kernels), ("numpy", train_on_numpy)):
            took = measured(path, widths, batch, sizes)
            cells = " | ".join(f"{each:,.1f}" for each in took)
            network = "-".join(map(str, (*widths, training.CLASSES)))
            print(
                f"| {network} | {weights * 8 / 1024:,.0f} | "
                f"{batch} | {name} | {cells} | {took[0] / took[2]:.2f} | {took[0] / took[3]:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
