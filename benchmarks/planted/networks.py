"""Small image classifiers with batch norm: an MLP, a plain CNN, ResNet-18, a depthwise one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

CLASSES = 10


def mlp(side: int, width: int, dropout: float) -> nn.Module:
    """Three hidden layers, each with a norm over single values."""
    sizes = (side * side, width, width, width)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(width, CLASSES))


def _conv(inputs: int, outputs: int, stride: int = 1, groups: int = 1, size: int = 3) -> nn.Module:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)


def _normed(*args: Any, **named: Any) -> list[nn.Module]:
    return [_conv(*args, **named), nn.BatchNorm2d(args[1]), nn.ReLU()]


def _head(features: int, dropout: float) -> list[nn.Module]:
    drop = [nn.Dropout(dropout)] if dropout else []
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *drop, nn.Linear(features, CLASSES)]


def cnn(side: int, width: int, dropout: float) -> nn.Module:
    """Three convolutions, each with a norm."""
    pools = [nn.MaxPool2d(2), nn.MaxPool2d(2) if side > 8 else nn.Identity(), nn.Identity()]
    layers: list[nn.Module] = []
    for level, pool in enumerate(pools):
        layers += [*_normed(width * level or 1, width * (level + 1)), pool]
    return nn.Sequential(*layers, *_head(3 * width, dropout))


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut, as in ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = _conv(outputs, outputs), nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            shortcut = _conv(inputs, outputs, stride, size=1)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.downsample(x))


def resnet18(side: int, width: int, dropout: float) -> nn.Module:
    """ResNet-18's 20 norms in its shape, narrower, with the stem for small images."""
    blocks: list[nn.Module] = []
    inputs = width
    for level, outputs in enumerate((width, 2 * width, 4 * width, 8 * width)):
        stride = 2 if level else 1
        blocks += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*_normed(1, width), *blocks, *_head(inputs, dropout))


def depthwise(side: int, width: int, dropout: float) -> nn.Module:
    """A stem and four depthwise separable convolutions, two norms each."""
    layers, inputs = _normed(1, width, 2 if side > 8 else 1), width
    for level in range(4):
        outputs = width * (1 + (level + 1) // 2)
        layers += _normed(inputs, inputs, 2 if level == 2 else 1, inputs)
        layers += _normed(inputs, outputs, size=1)
        inputs = outputs
    return nn.Sequential(*layers, *_head(inputs, dropout))


ARCHITECTURES: dict[str, Callable[[int, int, float], nn.Module]] = {
    "mlp": mlp,
    "cnn": cnn,
    "resnet18": resnet18,
    "depthwise": depthwise,
}
"""By name: `(side of the image, width, dropout)` to a network."""

NARROW = {"mlp": 64, "cnn": 8, "resnet18": 8, "depthwise": 12}
"""The usual width of each."""
