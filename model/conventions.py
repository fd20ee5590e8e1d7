"""How test-time statistics are averaged during training, as rows of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Keep = Literal["constant", "debiased", "cumulative"]
Variance = Literal["biased", "unbiased"]


@dataclass(frozen=True)
class Convention:
    """One rule for running statistics: r <- keep * r + (1 - keep) * s.

    `keep` names how the weight of the old value is found (see `KEEP`), `variance` which batch
    variance is averaged: `biased` divides by the batch size m, `unbiased` by m - 1 (Ioffe &
    Szegedy 2015, Algorithm 2). The averages start at `initial_mean` and `initial_variance`.
    `uses_decay` is False where the rule has no decay to choose.
    """

    name: str
    keep: Keep
    variance: Variance
    initial_mean: float
    initial_variance: float
    source: str

    @property
    def uses_decay(self) -> bool:
        return self.keep != "cumulative"


CONVENTIONS: dict[str, Convention] = {
    row.name: row
    for row in (
        Convention("biased", "constant", "biased", 0.0, 1.0, "Keras 3, MXNet, PaddlePaddle"),
        Convention("unbiased", "constant", "unbiased", 0.0, 1.0, "PyTorch, Theano, Torch"),
        Convention("debiased", "debiased", "unbiased", 0.0, 0.0, "Caffe"),
        Convention("cumulative", "cumulative", "unbiased", 0.0, 0.0, "PyTorch, momentum=None"),
    )
}


def _constant(decay: float, update: int) -> float:
    return decay


def _debiased(decay: float, update: int) -> float:
    # The sum of decay^i over the batches so far is the weight that the old average stands for.
    return decay * (1 - decay ** (update - 1)) / (1 - decay**update)


def _cumulative(decay: float, update: int) -> float:
    return (update - 1) / update


KEEP: dict[Keep, Callable[[float, int], float]] = {
    "constant": _constant,
    "debiased": _debiased,
    "cumulative": _cumulative,
}
"""From decay and the number of the update (the first is 1) to the weight of the old value.

`debiased` divides the exponential average by 1 - decay^t (Kingma & Ba 2015, section 3) and
`cumulative` weighs all batches alike; neither remembers its starting value.
"""

BESSEL: dict[Variance, Callable[[int], float]] = {
    "biased": lambda m: 1.0,
    "unbiased": lambda m: m / (m - 1),
}
"""From the number of examples behind a biased batch variance to the factor on it."""


@dataclass(frozen=True)
class Tracker:
    """A convention with its decay: one running average. Its name is `"unbiased/0.9"`."""

    convention: Convention
    decay: float

    @property
    def name(self) -> str:
        own = self.convention
        return f"{own.name}/{self.decay!r}" if own.uses_decay else own.name


def trackers(conventions: tuple[str, ...], decays: tuple[float, ...]) -> tuple[Tracker, ...]:
    """Every convention with every decay, once where the convention has no decay to choose."""
    found = {
        tracker.name: tracker
        for name in conventions
        for tracker in (Tracker(CONVENTIONS[name], decay) for decay in decays)
    }
    return tuple(found.values())
