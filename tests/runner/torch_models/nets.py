"""Small PyTorch models and data for tests of the rooms that read them."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.discovery import discovered
from caviar.runner.torch_models.running.norms import norms_of
from caviar.runner.torch_models.running.passes import Subject

CLASSES = 3


def mlp(*widths: int, features: int = 6, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """Linear, batch norm, ReLU for each width; then a linear layer to three classes."""
    generator = torch.Generator().manual_seed(sum(widths))
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(features, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        features = width
    return _drawn(nn.Sequential(*layers, nn.Linear(features, CLASSES)), generator).to(dtype)


def cnn(*channels: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU for each width, over images of one channel."""
    generator = torch.Generator().manual_seed(sum(channels))
    layers: list[nn.Module] = []
    given = 1
    for width in channels:
        layers += [nn.Conv2d(given, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        given = width
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(given, CLASSES))
    return _drawn(nn.Sequential(*layers, *head), generator).double()


def _drawn(model: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """Weights and gains that differ from layer to layer, whatever was drawn before."""
    with torch.no_grad():
        for parameter in model.parameters():
            values = torch.randn(parameter.shape, generator=generator)
            fan_in = max(1, parameter[0].numel())
            parameter.copy_(values * (2 / fan_in) ** 0.5 if parameter.ndim > 1 else 1 + values / 4)
    return model


@functools.cache
def rows(count: int, features: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Examples of skewed features that depend on each other, and their classes."""
    mixing = np.random.default_rng(features).normal(size=(features, features))
    x = np.random.default_rng(seed).gamma(2.0, size=(count, features)) @ mixing
    labels = np.argmax(x[:, :CLASSES], axis=1)
    return torch.as_tensor(x), torch.as_tensor(labels)


@functools.cache
def images(count: int, side: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images whose neighbouring pixels are alike, and classes."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 1, side, side)).cumsum(axis=2).cumsum(axis=3) / side
    return torch.as_tensor(x), torch.as_tensor(generator.integers(CLASSES, size=count))


def batches(data: tuple[Tensor, Tensor], size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Consecutive batches, once."""
    x, labels = data
    return ((x[i : i + size], labels[i : i + size]) for i in range(0, len(x), size))


def examples(data: tuple[Tensor, Tensor]) -> Examples:
    return Examples((data[0],), {}, data[1])


def subject(model: nn.Module, data: tuple[Tensor, Tensor]) -> Subject:
    with torch.no_grad():
        return discovered(model, norms_of(model), examples(data)).subject
