"""Training steps per second of one batch-norm network: caviar's stack against PyTorch eager.

Network 784-256-256-10 and 64-128-128-10, float32, momentum, one thread each. A step is one
update of one replica: a stack of 8 that advances once counts as eight. PyTorch has no replica
axis in eager mode; it trains one network after the other. Where PyTorch is not installed its column
says so (`pip install -e '.[benchmark]'`).
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import importlib.util
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.network import mlp, training_moments
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.loss import mean_cross_entropy_gradient
from caviar.model.steps.optimizers import Momentum
from caviar.model.steps.random_streams import streams

CLASSES, RATE, MOMENTUM = 10, 0.05, 0.9


class Sizes(NamedTuple):
    """Seconds and number of the rounds of a rate, the networks, and the batch size of each row."""

    seconds: float
    rounds: int
    networks: tuple[tuple[int, ...], ...]
    batches: tuple[int, ...]


FULL = Sizes(0.5, 5, ((64, 32, 32), (64, 128, 128), (784, 256, 256)), (8, 32, 128, 256))
QUICK = Sizes(0.01, 1, ((64, 32, 32), (64, 128, 128)), (8, 32))


def caviar_step(widths: tuple[int, ...], batch: int, replicas: int) -> Callable[[], None]:
    """One update of a stack of replicas, with one running average as PyTorch keeps it."""
    features, *hidden = widths
    network = mlp(
        tuple(hidden), CLASSES, norm=Norm(BatchNorm(batch)), activation="relu", dropout=0.0
    )
    seeds = tuple(range(replicas))
    parameters, _ = network.init(streams(seeds, "weights"), features, np.float32)
    optimizer = Momentum(MOMENTUM)
    bank = RunningStatistics(trackers((CONVENTIONS["unbiased"],), (0.9,)))
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


def torch_steps(widths: tuple[int, ...], batch: int) -> dict[str, tuple[int, Callable[[], None]]]:
    """One update of the same network in PyTorch eager; nothing where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return {}
    import torch

    layers: list[Any] = []
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

    return {"torch": (1, step)}


def describe_peer() -> str:
    """The version and threads of PyTorch, which is limited to one thread here."""
    if importlib.util.find_spec("torch") is None:
        return "torch not installed"
    import torch

    torch.set_num_threads(1)
    return f"torch {torch.__version__}, {torch.get_num_threads()} thread"


def rate(step: Callable[[], None], seconds: float) -> float:
    """Calls per second over about that time."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        calls += 1
    return calls / (time.perf_counter() - start)


def medians(widths: tuple[int, ...], batch: int, sizes: Sizes) -> dict[str, float]:
    """Replica-steps per second of every side: medians of interleaved rounds."""
    sides = torch_steps(widths, batch)
    sides |= {f"R={r}": (r, caviar_step(widths, batch, r)) for r in (1, 8, 32)}
    for _, step in sides.values():
        step()
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(sizes.rounds):
        for name, (replicas, step) in sides.items():
            rates[name].append(replicas * rate(step, sizes.seconds))
    return {name: statistics.median(values) for name, values in rates.items()}


def main(sizes: Sizes) -> None:
    """Print the table."""
    peer = describe_peer()
    print(machine.describe())
    print(f"{peer}; replica-steps per second\n")
    print("| network | batch | torch | R=1 | R=8 | R=32 | best / torch |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for widths in sizes.networks:
        for batch in sizes.batches:
            rates = medians(widths, batch, sizes)
            torch = rates.pop("torch", None)
            cells = ["not installed" if torch is None else f"{torch:,.0f}"]
            cells += [f"{value:,.0f}" for value in rates.values()]
            cells += ["–" if torch is None else f"{max(rates.values()) / torch:.2f}"]
            network = "-".join(map(str, (*widths, CLASSES)))
            print(f"| {network} | {batch} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
