"""What an audit measured of a model's batch norms: arrays and numbers, no framework.

All moments are float64 arrays `(features,)`; variances are biased (divided by n) unless a name
says otherwise. `stored` is what the model holds; `population` is what its inputs have at the
present weights over the examples read, layer by layer, with all lower norms already right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Mean and variance per feature, both `(features,)`. Raises ValueError for other shapes."""

    mean: Array
    variance: Array

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.variance.shape:
            raise ValueError(
                f"mean {self.mean.shape} and variance {self.variance.shape}: both must be "
                "(features,)"
            )


@dataclass(frozen=True)
class Estimate:
    """Moments that were estimated, and the standard error of each, `(features,)`.

    The error is that of other examples of the same distribution, drawn independently; as the
    moments of just these examples they are exact. Infinite where fewer than four examples were
    read.
    """

    moments: Moments
    error: Moments


@dataclass(frozen=True)
class Scatter:
    """Statistics of train-mode batches at the present weights, lower norms on batches, too.

    `expected` holds the means of a batch's mean and of its biased variance over the batches,
    `variance` their variances from batch to batch: `variance.mean` is that of the batch mean,
    `variance.variance` that of the batch variance. `values` is how many values of a feature one
    batch averages over: examples times positions.
    """

    expected: Moments
    variance: Moments
    batches: int
    examples: int
    values: int


@dataclass(frozen=True)
class NormLayer:
    """One batch norm of the model: what it is set to, what it holds, what its inputs have.

    `momentum` is PyTorch's (1 - decay), None for a cumulative average; `updates` is
    `num_batches_tracked`, None where it is not kept. `loaded` is the scatter over the batches as
    the loader gave them, `regrouped` that over batches of the same size drawn at random.
    `other` are the population moments of the test set, None without one. `frozen` says that the
    norm was in eval mode while the model was in train mode, or has no way to update.
    """

    name: str
    kind: str
    momentum: float | None
    epsilon: float
    updates: int | None
    calls: int
    frozen: bool
    stored: Moments | None
    population: Estimate
    loaded: Scatter
    regrouped: Scatter
    other: Estimate | None


@dataclass(frozen=True)
class Reading:
    """A loss in nats, its standard error over examples, and the accuracy where there is one."""

    loss: float
    error: float
    accuracy: float | None
    examples: int


@dataclass(frozen=True)
class Difference:
    """A paired difference of two readings of the same examples, in nats, and its error."""

    loss: float
    error: float


@dataclass(frozen=True)
class Readings:
    """Losses of one set of examples by the statistics that normalise it.

    `batch` is the loss in batches of the size trained with, drawn at random, `batches` that at
    other sizes, `loaded` that in batches as the loader gave them. `stored` is None where a norm
    holds no statistics. `population` are the statistics of the data given, also for losses of the
    test set; `other` are the test set's own, None for losses of the data given. Differences are
    against `population`: `charged` is the loss that one layer's stored statistics add while all
    others are the population's. `batches` and `charged` are empty for the test set.
    """

    stored: Reading | None
    population: Reading
    precise: Reading
    batch: Reading
    batches: dict[int, Reading]
    stored_minus_population: Difference | None
    batch_minus_population: Difference
    charged: dict[str, Difference]
    loaded: Reading | None = None
    other: Reading | None = None
    other_minus_population: Difference | None = None


@dataclass(frozen=True)
class Evidence:
    """All that was measured: the norms in the order of use, losses, and what it took.

    `train` holds the losses on the data given, None where no loss could be computed; `test`
    those on the test set. `class_shares` is `(batches, classes)`: shares of the labels in
    each loaded batch, None without integer labels. `examples` is how many examples were read,
    `whole` whether they are all that the data hold, and `passes` how often the model was called;
    `batch_size` is how many examples one training batch holds.
    """

    layers: tuple[NormLayer, ...]
    batch_size: int
    steps: int | None
    train: Readings | None
    test: Readings | None
    class_shares: Array | None
    examples: int
    passes: int
    never_called: tuple[str, ...]
    whole: bool = False
