"""Images to train on: MNIST's test images at half their size, or scikit-learn's digits."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

MNIST = Path(__file__).resolve().parents[2] / "shared" / "data"


class Images(NamedTuple):
    """Training and test images `(n, 1, side, side)` of mean 0 and deviation 1, and labels."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor

    @property
    def side(self) -> int:
        return int(self.x.shape[-1])


def has_mnist(folder: Path) -> bool:
    """Whether MNIST's test images lie in the folder."""
    return (folder / "t10k-images-idx3-ubyte.gz").exists()


@cache
def _mnist(folder: Path) -> tuple[Tensor, Tensor]:
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    half = pixels.reshape(-1, 14, 2, 14, 2).mean((2, 4), dtype=np.float32)
    return torch.from_numpy(half), torch.from_numpy(labels.astype(np.int64))


@cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32))
    return images, torch.from_numpy(digits.target.astype(np.int64))


def images(name: str, seed: int, folder: Path) -> Images:
    """2,400 training and 2,000 test images of `mnist` in `folder`, or 1,200 and 597 `digits`."""
    x, y = _mnist(folder) if name == "mnist" else _digits()
    train, test = (2400, 2000) if name == "mnist" else (1200, 597)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(x))[: train + test])
    x, y = x[order, None], y[order]
    x = (x - x[:train].mean()) / x[:train].std()
    return Images(x[:train], y[:train], x[train:], y[train:])
