"""Three models whose evaluation is bad, trained as their owners would; some seconds each."""

import torch
from data import by_8, faded, faded_test, test, train
from torch import nn

from model import as_in_keras, build


def fit(model: nn.Module, loader, epochs: int, rate: float = 0.05, after=lambda: None) -> nn.Module:
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for features, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(features), labels).backward()
            optimizer.step()
            after()
    return model


def averaged() -> nn.Module:
    """An average of the weights over training; nobody thought of the buffers."""
    model, mean = build(), build()

    @torch.no_grad()
    def follow() -> None:
        for old, new in zip(mean.parameters(), model.parameters(), strict=True):
            old.lerp_(new, 0.05)

    fit(model, train(), 3, after=follow)
    return mean


def from_keras() -> nn.Module:
    """Ported from Keras with its number for the momentum."""
    return fit(as_in_keras(), by_8(), 5)


def finetuned() -> nn.Module:
    """Trained on digits, then tuned on faded ones with its norms frozen in eval mode."""
    model = fit(build(), train(), 5).eval()
    fit(model, faded(), 8, rate=0.01)
    return fit(model, faded(), 4, rate=0.002)


@torch.no_grad()
def accuracy(model: nn.Module, data) -> float:
    right = [(model.eval()(x).argmax(1) == y).float() for x, y in data]
    return float(torch.cat(right).mean())


if __name__ == "__main__":
    for make, data in ((averaged, test), (from_keras, test), (finetuned, faded_test)):
        torch.set_num_threads(1)  # sums of several threads round otherwise
        torch.manual_seed(0)
        model = make()
        torch.save(model.state_dict(), f"{make.__name__}.pt")
        print(f"{make.__name__}: test accuracy {accuracy(model, data()):.2f}")
