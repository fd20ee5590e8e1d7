"""Training steps a second of one batch-norm network: caviar's stack against PyTorch eager.

Network 784-256-256-10 and 64-128-128-10, float32, momentum, one thread each. A step is one
update of one replica: a stack of 8 that advances once counts eight. PyTorch has no replica
axis in eager mode; it trains one network after the other.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.network import mlp, training_moments
from caviar.model.steps.loss import mean_cross_entropy_gradient
from caviar.model.steps.optimizers import Momentum
from caviar.model.steps.random_streams import streams

CLASSES, RATE, MOMENTUM = 10, 0.05, 0.9
SECONDS, ROUNDS = 0.5, 5


def caviar_step(widths: tuple[int, ...], batch: int, replicas: int) -> Callable[[], None]:
    """One update of a stack of replicas, with one running average as PyTorch keeps it."""
    features, *hidden = widths
    network = mlp(
        tuple(hidden),
        CLASSES,
        norm="batch",
        norm_batch_size=batch,
        epsilon=1e-5,
        activation="relu",
        dropout=0.0,
    )
    seeds = tuple(range(replicas))
    parameters, _ = network.init(streams(seeds, "weights"), features, np.float32)
    optimizer, bank = (
        Momentum(MOMENTUM),
        RunningStatistics(trackers((CONVENTIONS["unbiased"],), (0.9,))),
    )
    state, running = optimizer.init(parameters), bank.init(network, parameters)
    generator = np.random.default_rng(0)
    x = generator.standard_normal((replicas, batch, features), dtype=np.float32)
    y = generator.integers(0, CLASSES, (replicas, batch))

    def step() -> None:
        nonlocal parameters, state, running
        logits, tape = network.forward(parameters, x, ())
        _, gradients = network.backward(parameters, tape, mean_cross_entropy_gradient(logits, y))
        running = bank.update(running, training_moments(tape), batch)
        parameters, state = optimizer.step(state, parameters, gradients, RATE)

    return step


def torch_step(widths: tuple[int, ...], batch: int) -> Callable[[], None]:
    """One update of the same network in PyTorch eager."""
    layers: list[torch.nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [
            torch.nn.Linear(before, after, bias=False),
            torch.nn.BatchNorm1d(after),
            torch.nn.ReLU(),
        ]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], CLASSES))
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    loss = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(batch, widths[0]), torch.randint(0, CLASSES, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        loss(network(x), y).backward()
        optimizer.step()

    return step


def rate(step: Callable[[], None]) -> float:
    """Calls a second over about `SECONDS`."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        step()
        calls += 1
    return calls / (time.perf_counter() - start)


def main() -> None:
    """Print the table: medians of interleaved rounds."""
    torch.set_num_threads(1)
    print(machine.describe())
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread; replica-steps a second\n")
    print("| network | batch | torch | R=1 | R=8 | R=32 | best / torch |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for widths in ((64, 32, 32), (64, 128, 128), (784, 256, 256)):
        for batch in (8, 32, 128, 256):
            sides = {
                "torch": (1, torch_step(widths, batch)),
                **{f"R={r}": (r, caviar_step(widths, batch, r)) for r in (1, 8, 32)},
            }
            for _, step in sides.values():
                step()
            rates: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for name, (replicas, step) in sides.items():
                    rates[name].append(replicas * rate(step))
            medians = {name: statistics.median(found) for name, found in rates.items()}
            best = max(v for name, v in medians.items() if name != "torch")
            cells = " | ".join(f"{v:,.0f}" for v in medians.values())
            network = "-".join(map(str, (*widths, CLASSES)))
            print(f"| {network} | {batch} | {cells} | {best / medians['torch']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
