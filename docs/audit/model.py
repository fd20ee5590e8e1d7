"""A small convolutional network for digits of 8 by 8 pixels."""

from torch import nn


def build(momentum: float = 0.1) -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16, momentum=momentum),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32, momentum=momentum),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 64, bias=False),
        nn.BatchNorm1d(64, momentum=momentum),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def as_in_keras() -> nn.Module:
    """Keras's momentum=0.99 is the weight of the past; PyTorch's is that of the new batch."""
    return build(momentum=0.99)
