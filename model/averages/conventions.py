"""How test-time statistics are averaged during training, as rows of data.

A convention is data throughout: what weight the old value keeps (`KEEP`), which function of a
batch's variance is averaged (`SECOND`), where the averages start. No code depends on a
framework's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from caviar.model.contract import Array

Keep = Literal["constant", "debiased", "cumulative", "time_constant"]
Second = Literal["biased", "unbiased", "guarded", "inverse_deviation", "biased_plus_epsilon"]
HeldIn = Literal["double", "single", "single_decay", "single_complement"]
BatchOfOne = Literal["variance 0", "NaN", "identity", "running", "refused"]
Gamma = Literal["learned from 1", "learned from U(0, 1)", "fixed at 1", "none"]


@dataclass(frozen=True)
class Convention:
    """One rule for running statistics: r <- keep * r + (1 - keep) * s.

    `keep` says how the weight of the old value is computed, and `mean_keep` the same for the mean
    where it differs; `second` says which function of a batch's variance is averaged. `decay` is
    the default weight of the old value (for `time_constant` a memory in samples), None where the
    user chooses it or there is none. In the other fields frameworks differ too: `epsilon` in
    training; `held_in`, the precision of decay and epsilon, which decides the last digits of
    double runs; what a `batch_of_one` does; the default `gamma`; which pass `updates` the
    averages; the `source` that the row was read from, and whether it was `verified` against a
    real run.

    >>> row = caviar.Convention("mine", keep="constant", second="biased", decay=0.95)
    >>> row.epsilon, row.uses_decay
    (1e-05, True)
    """

    name: str
    keep: Keep
    second: Second
    decay: float | None = None
    mean_keep: Keep | None = None
    initial_mean: float = 0.0
    initial_second: float = 1.0
    epsilon: float = 1e-5
    held_in: HeldIn = "double"
    batch_of_one: BatchOfOne = "variance 0"
    gamma: Gamma = "learned from 1"
    updates: Literal["forward", "backward"] = "forward"
    version: str = ""
    source: str = ""
    verified: bool = False

    @property
    def uses_decay(self) -> bool:
        """Whether there is a decay at all: a plain mean of all batches has none."""
        return {self.keep, self.mean_keep} != {"cumulative", None}


CONVENTIONS: dict[str, Convention] = {
    row.name: row
    for row in (
        Convention("biased", "constant", "biased"),
        Convention("unbiased", "constant", "unbiased"),
        Convention("debiased", "debiased", "unbiased", initial_second=0.0),
        Convention("cumulative", "cumulative", "unbiased", initial_second=0.0),
    )
}
"""The plain rules, at any decay; `averages.frameworks` has the rows of real frameworks."""


def _constant(decay: float, update: int, examples: int) -> float:
    return decay


def _debiased(decay: float, update: int, examples: int) -> float:
    # The sum of decay^i over the batches so far is the weight that the old average stands for.
    return decay * (1 - decay ** (update - 1)) / (1 - decay**update)


def _cumulative(decay: float, update: int, examples: int) -> float:
    return (update - 1) / update


def _time_constant(samples: float, update: int, examples: int) -> float:
    return 0.0 if update == 1 else math.exp(-examples / samples)


KEEP: dict[Keep, Callable[[float, int, int], float]] = {
    "constant": _constant,
    "debiased": _debiased,
    "cumulative": _cumulative,
    "time_constant": _time_constant,
}
"""Maps decay, number of the update (from 1) and its examples to the weight of the old value.

`debiased` divides the exponential average by 1 - decay^t (Kingma & Ba 2015, section 3) and
`cumulative` weighs all batches alike; neither remembers its starting value. `time_constant`
copies the first batch and then forgets by samples seen, not by updates (CNTK).
"""


class SecondRule(NamedTuple):
    """What is averaged, and how evaluation reads it back.

    `stored` takes biased batch variance, examples and epsilon; `variance` maps the average and
    epsilon to the variance for which 1 / sqrt(variance + epsilon) is the framework's factor, and
    `holding` is its inverse: the average that is read as a given variance.
    """

    stored: Callable[[Array, int, float], Array]
    variance: Callable[[Array, float], Array]
    holding: Callable[[Array, float], Array]


def _as_it_is(variance: Array, epsilon: float) -> Array:
    return variance


def _inverse_deviation(variance: Array, epsilon: float) -> Array:
    return np.asarray(1 / np.sqrt(variance + epsilon))


SECOND: dict[Second, SecondRule] = {
    "biased": SecondRule(lambda v, m, epsilon: v, _as_it_is, _as_it_is),
    "unbiased": SecondRule(lambda v, m, epsilon: v * _bessel(m), _as_it_is, _as_it_is),
    # Keras 2.1.4 to 2.3.1: the guard against m = 1 changes every m a little.
    "guarded": SecondRule(lambda v, m, epsilon: v * (m / (m - 1 - epsilon)), _as_it_is, _as_it_is),
    # Lasagne: the mean of 1 / sqrt(v + epsilon) is dominated by the smallest variances.
    "inverse_deviation": SecondRule(
        lambda v, m, epsilon: _inverse_deviation(v, epsilon),
        lambda r, epsilon: 1 / r**2 - epsilon,
        _inverse_deviation,
    ),
    # Old DL4J: epsilon is inside the stored value and not added again at test time.
    "biased_plus_epsilon": SecondRule(
        lambda v, m, epsilon: v + epsilon,
        lambda r, epsilon: r - epsilon,
        lambda v, epsilon: v + epsilon,
    ),
}


def _bessel(m: int) -> float:
    return m / max(m - 1, 1)


def _single(value: float) -> float:
    return float(np.float32(value))


HELD_IN: dict[HeldIn, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "double": (float, float),
    "single": (_single, _single),
    "single_decay": (_single, float),
    "single_complement": (lambda decay: 1 - _single(1 - decay), float),
}
"""Decay and epsilon as a framework holds them, even in a run in double precision."""


@dataclass(frozen=True)
class Tracker:
    """A convention with its decay: one running average. A name is, say, `"unbiased/0.9"`."""

    convention: Convention
    decay: float

    @property
    def name(self) -> str:
        row = self.convention
        return f"{row.name}/{self.decay!r}" if row.uses_decay else row.name

    def keeps(self, update: int, examples: int) -> tuple[float, float]:
        """The weights of the old mean and of the old second statistic at an update."""
        row = self.convention
        decay = HELD_IN[row.held_in][0](self.decay)
        second = KEEP[row.keep](decay, update, examples)
        mean = KEEP[row.mean_keep](decay, update, examples) if row.mean_keep else second
        return mean, second


def trackers(conventions: tuple[Convention, ...], decays: tuple[float, ...]) -> tuple[Tracker, ...]:
    """One tracker per convention with a default decay; for the others, one per decay.

    A convention without any decay gives one tracker.

    >>> rows = (caviar.CONVENTIONS["biased"], caviar.FRAMEWORKS["keras-3"])
    >>> [tracker.name for tracker in caviar.trackers(rows, (0.9, 0.99))]
    ['biased/0.9', 'biased/0.99', 'keras-3/0.99']
    """
    by_name: dict[str, Tracker] = {}
    for row in conventions:
        row_decays = (row.decay,) if row.decay is not None else decays if row.uses_decay else (0.0,)
        by_name |= {
            tracker.name: tracker for tracker in (Tracker(row, decay) for decay in row_decays)
        }
    return tuple(by_name.values())
