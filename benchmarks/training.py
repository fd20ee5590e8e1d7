"""Microseconds per training step of one network: caviar's compiled and NumPy paths, PyTorch, JAX.

Networks with batch norm, ReLU and momentum in single precision; rows gathered from 2,048 examples,
running statistics updated; one core, one thread. caviar is timed through its training loop, with 1
and 8 replicas; PyTorch in eager mode; JAX as one jitted scan, alone and vmapped over 8. Sides take
turns, and each figure is the least of its rounds, so that drift hits all sides alike. `limit` is
what the core's product rate and its caches' copy rate, both measured here, allow. Peers that are
not installed are named (`pip install torch==2.13.0 jax`).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # For `python -m benchmarks.training`.
import machine  # isort: skip  # sets the threads before numpy loads

import importlib.util
import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.network import mlp
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import Momentum
from caviar.model.steps.schedules import constant
from caviar.model.steps.setup import Probes, Splits, Training
from caviar.model.steps.snapshot import beginning
from caviar.model.train import train as train_on_numpy
from caviar.runner.trial.kernels import compiled_by

CLASSES, RATE, MOMENTUM, EXAMPLES = 10, 0.05, 0.9, 2048
SHAPES = ((64, 64, 64), (64, 128, 128), (784, 128, 128), (784, 512, 512))
Side = Callable[[], None]


class Sizes(NamedTuple):
    """Rounds, and multiply-adds of one measurement; the networks and batch sizes."""

    rounds: int
    work: float
    networks: tuple[tuple[int, ...], ...]
    batches: tuple[int, ...]


FULL = Sizes(5, 1e9, SHAPES, (2, 8, 32, 128, 512))
QUICK = Sizes(2, 2e7, SHAPES[:2], (2, 32))


def caviar_side(train: Any, widths: tuple[int, ...], batch: int, seeds: int, steps: int) -> Side:
    """A training run of caviar without measurements, from its first step to its last."""
    features, *hidden = widths
    rng = np.random.default_rng(0)
    index = np.stack([rng.permutation(EXAMPLES) for _ in range(seeds)])
    moments = np.zeros((seeds, 1, features), np.float32), np.ones((seeds, 1, features), np.float32)
    x = rng.standard_normal((EXAMPLES, features), dtype=np.float32)
    labels = rng.integers(0, CLASSES, (seeds, EXAMPLES))
    data = Examples(x, labels, index, *moments, np.dtype(np.float32))
    training = Training(
        network=mlp(tuple(hidden), CLASSES, norm=Norm(BatchNorm(batch))),
        optimizer=Momentum(MOMENTUM),
        schedule=constant,
        running=RunningStatistics(trackers((CONVENTIONS["unbiased"],), (0.9,))),
        seeds=tuple(range(seeds)),
        steps=steps,
        batch_size=batch,
        norm_batch_size=batch,
        epsilon=1e-5,
        learning_rate=RATE,
        curve_steps=frozenset(),
        probes=Probes(frozenset(), frozenset(), (), 0),
    )
    start = beginning(training, features, np.float32)
    splits = Splits(data, data, data)

    def run() -> None:
        for _ in train(training, splits, start):
            pass

    return run


def torch_side(widths: tuple[int, ...], batch: int, steps: int) -> Side:
    """The same steps in PyTorch eager."""
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = []
    for before, after in itertools.pairwise(widths):
        dense = torch.nn.Linear(before, after, bias=False)
        layers += [dense, torch.nn.BatchNorm1d(after), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], CLASSES))
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    loss = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(EXAMPLES, widths[0]), torch.randint(0, CLASSES, (EXAMPLES,))

    def run() -> None:
        for _ in range(steps):
            rows = torch.randint(0, EXAMPLES, (batch,))
            optimizer.zero_grad()
            loss(network(x[rows]), y[rows]).backward()
            optimizer.step()

    return run


def jax_side(widths: tuple[int, ...], batch: int, seeds: int, steps: int) -> Side:
    """The same steps as one jitted scan, vmapped over replicas where there are several."""
    import jax
    from peers.jax_steps import state_of, stepped

    rng = np.random.default_rng(0)
    x = jax.numpy.asarray(rng.standard_normal((EXAMPLES, widths[0]), dtype=np.float32))
    y = jax.numpy.asarray(rng.integers(0, CLASSES, EXAMPLES))
    states = [state_of((*widths, CLASSES), seed) for seed in range(seeds)]
    rows = rng.integers(0, EXAMPLES, (seeds, steps, batch))
    one = stepped(x, y, RATE, MOMENTUM)
    if seeds == 1:
        arguments, whole = (states[0], rows[0]), jax.jit(one)
    else:
        stack = jax.tree.map(lambda *parts: jax.numpy.stack(parts), *states)
        arguments, whole = (stack, rows), jax.jit(jax.vmap(one))

    def run() -> None:
        finished: Any = jax.block_until_ready
        finished(whole(*arguments))

    return run


def installed(name: str) -> bool:
    """Whether a peer is here."""
    return importlib.util.find_spec(name) is not None


def sides(widths: tuple[int, ...], batch: int, steps: int) -> dict[str, tuple[int, Side]]:
    """By name, every side with the number of networks that it trains."""
    from caviar.model.kernels.train import train as train_on_kernels

    every: dict[str, tuple[int, Side]] = {}
    for name, path in (("compiled", train_on_kernels), ("numpy", train_on_numpy)):
        for seeds in (1, 8):
            every[f"{name} {seeds}"] = seeds, caviar_side(path, widths, batch, seeds, steps)
    if installed("torch"):
        every["torch"] = 1, torch_side(widths, batch, steps)
    if installed("jax"):
        for seeds in (1, 8):
            every[f"jax {seeds}"] = seeds, jax_side(widths, batch, seeds, steps)
    return every


def peak_rate(side: int = 512) -> float:
    """Floating-point operations per microsecond of this core, by a product of square matrices."""
    one = np.ones((side, side), np.float32)
    return 2 * side**3 / least_microseconds(lambda: np.matmul(one, one))


def copy_rate(size: int) -> float:
    """Bytes per microsecond, read and written, of a copy of so many bytes: by cache level."""
    source, target = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    return 2 * size / least_microseconds(lambda: np.copyto(target, source))


def least_microseconds(run: Callable[[], object], times: int = 50) -> float:
    """The least of some repetitions."""
    ticks = [time.perf_counter()]
    for _ in range(times):
        run()
        ticks.append(time.perf_counter())
    return 1e6 * min(after - before for before, after in itertools.pairwise(ticks))


def limit(widths: tuple[int, ...], batch: int, peak: float) -> float:
    """Microseconds that a step takes at least: its products at the core's peak, or every weight
    read forward and, with its velocity, read and written backward; the larger of the two."""
    pairs = list(itertools.pairwise((*widths, CLASSES)))
    weights = sum(before * after for before, after in pairs)
    products = 3 * weights - pairs[0][0] * pairs[0][1]  # Nothing needs the inputs' gradient.
    bytes_moved = 5 * 4 * weights
    return max(2 * batch * products / peak, bytes_moved / copy_rate(4 * weights))


def measured(widths: tuple[int, ...], batch: int, sizes: Sizes) -> dict[str, float]:
    """Microseconds per step of one network, the better number of replicas of each side."""
    weights = sum(a * b for a, b in itertools.pairwise((*widths, CLASSES)))
    steps = int(np.clip(sizes.work / (3 * weights * batch), 4, 400))
    every = sides(widths, batch, steps)
    for _, run in every.values():
        run()
    best: dict[str, float] = {}
    for _ in range(sizes.rounds):
        for name, (networks, run) in every.items():
            start = time.perf_counter()
            run()
            each = 1e6 * (time.perf_counter() - start) / steps / networks
            side = name.split()[0]
            best[side] = min(each, best.get(side, np.inf))
    return best


def main() -> None:
    """Print the table; with `--json FILE`, write every figure too."""
    parser = machine.parser(__doc__)
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    missing = [name for name in ("torch", "jax") if not installed(name)]
    pinned = machine.on_one_core()  # Before JAX starts a thread for every core that it may use.
    print(f"{machine.describe()}; {pinned}")
    print(f"{compiled_by()}; not installed: {', '.join(missing) or 'none'}\n")
    print("| network | m | compiled | numpy | torch | jax | jax / compiled | limit |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    peak = peak_rate()
    figures, ratios = [], []
    for widths, batch in itertools.product(sizes.networks, sizes.batches):
        best = measured(widths, batch, sizes)
        network = "-".join(map(str, (*widths, CLASSES)))
        least = limit(widths, batch, peak)
        figures.append({"network": network, "m": batch, "limit": least, **best})
        ratio = best["jax"] / best["compiled"] if "jax" in best else None
        ratios += [ratio] if ratio else []
        cells = [
            f"{best[s]:,.1f}" if s in best else "–" for s in ("compiled", "numpy", "torch", "jax")
        ]
        shown = f"{ratio:.2f}" if ratio else "–"
        print(f"| {network} | {batch} | {' | '.join(cells)} | {shown} | {least:,.1f} |", flush=True)
    whole = {"geomean": statistics.geometric_mean(ratios), "min": min(ratios)} if ratios else {}
    print(
        "\n" + "; ".join(f"{name} of jax / compiled: {value:.2f}" for name, value in whole.items())
    )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({**whole, "microseconds": figures}, indent=1))


if __name__ == "__main__":
    main()
