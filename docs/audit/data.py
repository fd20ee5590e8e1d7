"""Scikit-learn's digits: 1,200 to train on, 597 to test, and the same images faded."""

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

LABELLED = load_digits()
ORDER = torch.randperm(1797, generator=torch.Generator().manual_seed(0))


def digits(first: int, last: int) -> tuple[torch.Tensor, torch.Tensor]:
    chosen = ORDER[first:last]
    features = torch.tensor(LABELLED.data / 16, dtype=torch.float32)
    return features[chosen], torch.tensor(LABELLED.target)[chosen]


def shuffled(features: torch.Tensor, labels: torch.Tensor, batch_size: int = 32) -> DataLoader:
    order = torch.Generator().manual_seed(1)
    dataset = TensorDataset(features, labels)
    return DataLoader(dataset, batch_size, shuffle=True, drop_last=True, generator=order)


def train() -> DataLoader:
    return shuffled(*digits(0, 1200))


def by_8() -> DataLoader:
    return shuffled(*digits(0, 1200), batch_size=8)


def test() -> DataLoader:
    return DataLoader(TensorDataset(*digits(1200, 1797)), batch_size=256)


def fade(features: torch.Tensor) -> torch.Tensor:
    return 0.3 * features + 0.5


def faded() -> DataLoader:
    features, labels = digits(0, 1200)
    return shuffled(fade(features), labels)


def faded_test() -> DataLoader:
    features, labels = digits(1200, 1797)
    return DataLoader(TensorDataset(fade(features), labels), batch_size=256)
