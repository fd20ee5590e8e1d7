"""One training run of a small classifier, with every batch's statistics kept.

What running averages hold does not change training, so one run gives the buffers of any
momentum, start and number of updates: `running` computes them as PyTorch would.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from planted.images import Images
from planted.networks import ARCHITECTURES
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

AVERAGED = 0.99
"""The weight that the moving average of weights leaves to its old value."""


@dataclass(frozen=True)
class Recipe:
    """How one network is trained.

    `order` is `shuffled`, `sorted` by class, or `blocks`: every batch of one class, in random
    order. From step `frozen_from` on all norms are in eval mode.
    """

    architecture: str
    width: int
    data: str
    seed: int
    batch_size: int
    steps: int
    optimizer: str
    learning_rate: float
    cosine: bool
    dropout: float = 0.0
    order: str = "shuffled"
    frozen_from: int | None = None

    def with_(self, **changes: Any) -> Recipe:
        return replace(self, **changes)


@dataclass
class Trained:
    """Weights at the end, their moving average, and the batch statistics of every step.

    `batches[name]` holds, step by step, the mean and Bessel's variance `(2, features)`.
    """

    state: dict[str, Tensor]
    averaged: dict[str, Tensor]
    batches: dict[str, list[Tensor]] = field(default_factory=dict)
    last: float = float("nan")


def network_of(recipe: Recipe, images: Images) -> nn.Module:
    """The untrained network, its weights drawn from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    return ARCHITECTURES[recipe.architecture](images.side, recipe.width, recipe.dropout)


def norms_of(model: nn.Module) -> dict[str, Any]:
    """Batch norms by name."""
    return {name: one for name, one in model.named_modules() if isinstance(one, _BatchNorm)}


def order_of(recipe: Recipe, images: Images) -> Iterator[Tensor]:
    """Indices of the batches of the recipe's epochs, without end."""
    generator = torch.Generator().manual_seed(recipe.seed + 1)
    size = recipe.batch_size
    while True:
        order = torch.randperm(len(images.y), generator=generator)
        if recipe.order != "shuffled":
            order = order[torch.argsort(images.y[order], stable=True)]
        batches = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        if recipe.order == "blocks":
            drawn = torch.randperm(len(batches), generator=generator)
            batches = [batches[i] for i in drawn]
        yield from batches


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), recipe.learning_rate)
    return torch.optim.SGD(
        model.parameters(), recipe.learning_rate, momentum=0.9, weight_decay=5e-4
    )


def _watched(model: nn.Module, batches: dict[str, list[Tensor]]) -> None:
    """Append the mean and Bessel's variance of every train-mode pass to `batches`."""

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if module.training:
                x = inputs[0].detach()
                over = [d for d in range(x.ndim) if d != 1]
                batches[name].append(torch.stack(torch.var_mean(x, over)[::-1]))

        return hook

    for name, norm in norms_of(model).items():
        batches[name] = []
        norm.register_forward_pre_hook(keep(name))


def train(
    recipe: Recipe, images: Images, poison: Callable[[int, Tensor], Tensor] | None = None
) -> Trained:
    """Train by a recipe; `poison` may change the inputs of a step (counted from the end)."""
    model = network_of(recipe, images)
    batches: dict[str, list[Tensor]] = {}
    _watched(model, batches)
    optimizer = _optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)
    averaged = copy.deepcopy(model.state_dict())
    order, loss = order_of(recipe, images), torch.zeros(())
    model.train()
    for step, rows in zip(range(recipe.steps), order, strict=False):
        if step == recipe.frozen_from:
            for norm in norms_of(model).values():
                norm.eval()
        x = images.x[rows]
        x = poison(recipe.steps - step, x) if poison else x
        loss = nn.functional.cross_entropy(model(x), images.y[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if recipe.cosine:
            schedule.step()
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                averaged[key].lerp_(value, 1 - AVERAGED)
    return Trained(copy.deepcopy(model.state_dict()), averaged, batches, float(loss.detach()))


def running(
    trained: Trained, momentum: float, start: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Tensor]:
    """The buffers after training with this momentum: PyTorch's rule on the kept batches."""
    buffers: dict[str, Tensor] = {}
    for name, batches in trained.batches.items():
        stacked = torch.stack(batches).double()
        steps = torch.arange(len(batches) - 1, -1, -1, dtype=torch.float64)
        weights = momentum * (1 - momentum) ** steps
        left = (1 - momentum) ** len(batches)
        moments = torch.einsum("t,tkf->kf", weights, stacked)
        for key, moment, first in zip(("mean", "var"), moments, start, strict=True):
            buffers[f"{name}.running_{key}"] = (moment + left * first).float()
        buffers[f"{name}.num_batches_tracked"] = torch.tensor(len(batches))
    return buffers
