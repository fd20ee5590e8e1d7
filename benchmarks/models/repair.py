"""How right recomputed statistics are: `caviar.repair`, PreciseBN's rule and PyTorch's `update_bn`.

python benchmarks/models/repair.py            20 seconds
python benchmarks/models/repair.py --quick    seconds

Networks of two to fifty norms are trained on digits. Each recomputes from all training examples
in shuffled batches; what is printed is the mean log ratio of the variance to that of the whole
set, layer by layer, in the norm where it is largest. PreciseBN's rule (Wu & Johnson 2021,
fvcore) is written out: the mean of batch means, and the total variance.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import update_bn

import caviar

WIDTH, SIZE = 32, 64


def network(depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in [64] + [WIDTH] * (depth - 1):
        layers += [nn.Linear(inputs, WIDTH, bias=False), nn.BatchNorm1d(WIDTH), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


def trained(depth: int, x: Tensor, labels: Tensor, epochs: int) -> nn.Sequential:
    model = network(depth)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(x)), SIZE)[:-1]:
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model


def norms(model: nn.Module) -> list[nn.BatchNorm1d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]


@torch.no_grad()
def whole_set(model: nn.Module, x: Tensor) -> list[Tensor]:
    """Variances of one pass of everything in double precision: all lower norms are right."""
    wide = copy.deepcopy(model).double().train()
    for norm in norms(wide):
        norm.momentum = 1.0
    wide(x.double())
    return [_variance(norm) * (len(x) - 1) / len(x) for norm in norms(wide)]


def _variance(norm: nn.BatchNorm1d) -> Tensor:
    assert norm.running_var is not None
    return norm.running_var.double()


@torch.no_grad()
def precise(model: nn.Module, batches: list[Tensor]) -> None:
    """PreciseBN's rule."""
    model.train()
    kept: dict[nn.BatchNorm1d, list[Tensor]] = {norm: [] for norm in norms(model)}

    def keep(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm1d)
        x = inputs[0]
        kept[norm].append(torch.stack([x.mean(dim=0), x.var(dim=0, correction=0)]))

    handles = [norm.register_forward_pre_hook(keep) for norm in kept]
    for batch in batches:
        model(batch)
    for handle in handles:
        handle.remove()
    for norm, moments in kept.items():
        mean, variance = torch.stack(moments).unbind(dim=1)
        norm.running_var.copy_(variance.mean(dim=0) + mean.var(dim=0, correction=0))  # type: ignore[union-attr]


def ours(model: nn.Module, batches: list[Tensor]) -> None:
    caviar.repair(model, batches)


def pytorch(model: nn.Module, batches: list[Tensor]) -> None:
    update_bn(batches, model)


RULES: tuple[Callable[[nn.Module, list[Tensor]], None], ...] = (ours, precise, pytorch)


def largest(model: nn.Module, variances: list[Tensor]) -> float:
    """The mean log ratio over features that vary, in the norm where it is farthest from 0."""
    ratios = []
    for norm, variance in zip(norms(model), variances, strict=True):
        alive = variance > 1e-12
        ratios.append(float(torch.log(_variance(norm)[alive] / variance[alive]).mean()))
    return max(ratios, key=abs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    torch.manual_seed(0)
    torch.set_num_threads(1)
    digits = load_digits()
    x = torch.as_tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.as_tensor(digits.target)
    print("norms     m  caviar.repair  PreciseBN  update_bn")
    for depth in (2,) if quick else (2, 10, 50):
        model = trained(depth, x, labels, epochs=1 if quick else 10)
        variances = whole_set(model, x)
        for size in (4, 1000) if quick else (4, 16, 64, 1000):
            # A last batch of fewer examples would weigh as much as a whole one.
            rows = torch.randperm(len(x))[: len(x) // size * size]
            values = []
            for rule in RULES:
                repaired = copy.deepcopy(model)
                given = torch.split(x if rule is ours else x[rows], size)
                rule(repaired, list(given))
                values.append(largest(repaired, variances))
            print(f"{depth:5}  {size:4}  {values[0]:13.6f}  {values[1]:9.3f}  {values[2]:9.3f}")


if __name__ == "__main__":
    main()
