"""A small training of a PyTorch model, with and without a watch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from caviar.runner.torch_models.watching.watch import Watch, watch

torch.set_num_threads(1)


def small_network() -> nn.Sequential:
    """A convolution and a dense layer, each with a norm, and dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4, momentum=0.01),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(4 * 36, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )


def batches(count: int = 8, size: int = 16) -> list[tuple[Tensor, Tensor]]:
    """Images of three classes that differ in brightness."""
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=(count, size))
    images = generator.normal(labels[..., None, None, None], 1.0, (count, size, 1, 8, 8))
    return [
        (torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y))
        for x, y in zip(images, labels, strict=True)
    ]


class Ended(NamedTuple):
    """Everything that a training leaves behind."""

    model: nn.Sequential
    bits: dict[str, Any]


def train(out: Any = None, *, epochs: int = 3, **options: Any) -> tuple[Ended, Watch | None]:
    """Train for some epochs of shuffled batches; with `out`, watched."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    model = small_network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    rows = [pair for x, y in batches() for pair in zip(x, y, strict=True)]
    loader: Any = torch.utils.data.DataLoader(rows, batch_size=16, shuffle=True)  # type: ignore[arg-type]
    watching = None if out is None else watch(model, out, **options).start()
    for _ in range(epochs):
        for x, y in loader:
            loss = cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if watching is not None:
                watching.step(loss, learning_rate=0.1)
    if watching is not None:
        watching.stop()
    return Ended(model, dict(_bits(model, optimizer))), watching


def _bits(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Any]]:
    for name, value in model.state_dict().items():
        yield name, value.numpy().tobytes()
    for i, state in enumerate(optimizer.state.values()):
        yield f"momentum {i}", state["momentum_buffer"].numpy().tobytes()
    for i, parameter in enumerate(model.parameters()):
        yield f"gradient {i}", parameter.grad.numpy().tobytes()
    yield "modes", [module.training for module in model.modules()]
    yield "hooks", [len(module._forward_hooks) for module in model.modules()]
    yield "torch", torch.get_rng_state().numpy().tobytes()
    yield "numpy", str(np.random.get_state())  # noqa: NPY002
    yield "python", random.getstate()
