"""What `caviar.watch` costs: a ResNet-18-shaped training step with and without it, side by side.

python benchmarks/models/watch.py            the whole network on images of 32 x 32, minutes
python benchmarks/models/watch.py --quick    a narrow one, seconds
python benchmarks/models/watch.py --device cuda

Steps with and without a watch take turns, so that what else the machine does falls on both. The
watch's own work between steps (folding averages, rows of curves) is in its steps; what a probe
costs is printed beside it, in steps, since `every` decides how often it is paid.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import caviar

PROBED = 128
"""Examples of the probe."""

WARM = 10
"""Steps that are not counted."""


class Block(nn.Module):
    """Two convolutions with a norm each, and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.around = nn.Sequential()
        if stride > 1 or inputs != outputs:
            around = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.around = nn.Sequential(around, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm2(self.two(self.norm1(self.one(x)).relu()))
        y: Tensor = (h + self.around(x)).relu()
        return y


def resnet18(width: int) -> nn.Sequential:
    """Eighteen layers and twenty norms; the width of ResNet-18 is 64."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)]
    layers.append(nn.ReLU())
    inputs = width
    for stage, outputs in enumerate((width, 2 * width, 4 * width, 8 * width)):
        for place in range(2):
            layers.append(Block(inputs, outputs, 2 if stage and not place else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


class Side(NamedTuple):
    """A model in training, with its optimiser and, on one side, a watch."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    watch: caviar.Watch | None

    def step(self, x: Tensor, y: Tensor) -> float:
        """Seconds of one step."""
        # On a CPU the time of this process alone, whatever else the machine does.
        clock = time.perf_counter if x.is_cuda else time.process_time
        began = clock()
        loss = cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.watch is not None:
            self.watch.step(loss)
        if x.is_cuda:
            torch.cuda.synchronize()
        return clock() - began


def side(width: int, device: str, out: Path | None, data: list[tuple[Tensor, Tensor]]) -> Side:
    """One side, from the same start; nothing is probed while steps are timed."""
    torch.manual_seed(0)
    model = resnet18(width).to(device)
    watching = None
    if out is not None:
        watching = caviar.watch(model, out, data=data, every=10**9).start()
    return Side(model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), watching)


def measured(width: int, batch: int, steps: int, device: str, out: Path) -> tuple[float, ...]:
    """Mean seconds of a plain step and of a watched one, and of the last probe."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, 3, 32, 32, generator=generator).to(device)
    y = torch.randint(10, (batch,), generator=generator).to(device)
    data = [(x, y)] * max(1, PROBED // batch)
    sides = side(width, device, None, data), side(width, device, out, data)
    seconds: list[list[float]] = [[], []]
    for turn in range(steps):
        for i in (0, 1) if turn % 2 else (1, 0):
            seconds[i].append(sides[i].step(x, y))
    began = time.perf_counter()
    watching = sides[1].watch
    assert watching is not None
    watching.stop()
    probe = time.perf_counter() - began
    # Rows come every 10 and folding every 50 steps, so that means count; the first are warm-up.
    plain, watched = (statistics.mean(one[WARM:]) for one in seconds)
    return plain, watched, probe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sizes = ((8, 16),) if arguments.quick else ((64, 16), (16, 32))
    steps = WARM + (10 if arguments.quick else 30)
    print("width  batch  step, ms  watched, ms  overhead  last probe, steps")
    for width, batch in sizes:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            plain, watched, probe = measured(width, batch, steps, arguments.device, out)
        print(
            f"{width:5}  {batch:5}  {1e3 * plain:8.1f}  {1e3 * watched:11.1f}  "
            f"{100 * (watched / plain - 1):7.1f}%  {probe / plain:17.0f}"
        )


if __name__ == "__main__":
    main()
