"""What is asked of theory: a norm batch, the rule of a running average, and what it averages."""

from __future__ import annotations

import math
from dataclasses import dataclass

from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.running_mean import Keep
from caviar.analysis.theory.running_variance import Second


@dataclass(frozen=True)
class Question:
    """A norm batch, the rule of a running average, and the law of what it averages.

    `norm_batch_size` counts examples. In a convolution each has `positions` values, worth
    `effective_positions` independent ones (sigma^2 over the variance of an example's mean); None
    if that is not known, and then all numbers are those of positions that are all alike.
    `decay` is the weight of the old value or, for `time_constant`, the memory in samples; ignored
    for `cumulative`. `steps` is the number of updates (infinity: the long run), `dataset_size`
    the examples that are shuffled each epoch (infinity: independent batches), shared by
    `devices` that keep averages of their own. The inputs of batch norm have a mean of
    `input_mean` sigma and the variance `input_variance`, which decide what a start that is not
    forgotten costs. Raises ValueError with a sentence for the user where a value makes no sense.
    """

    norm_batch_size: int
    decay: float
    keep: Keep = "constant"
    second: Second = "unbiased"
    epsilon: float = 1e-5
    steps: float = math.inf
    dataset_size: float = math.inf
    excess_kurtosis: float = 0.0
    initial_mean: float = 0.0
    initial_second: float = 1.0
    input_mean: float = 1.0
    input_variance: float = 2.0
    devices: int = 1
    positions: int = 1
    effective_positions: float | None = None

    def __post_init__(self) -> None:
        self._check_batch()
        self._check_decay()
        if not self.steps >= 1:
            raise ValueError(f"steps must be 1 or more; got {self.steps:g}")
        # No distribution has a lower kurtosis than a fair coin.
        if not -2 <= self.excess_kurtosis < math.inf:
            raise ValueError(
                f"excess kurtosis is -2 or more, 0 for a normal law; got {self.excess_kurtosis:g}"
            )
        if not abs(self.input_mean) < math.inf:
            raise ValueError(f"the inputs' mean must be finite; got {self.input_mean:g}")
        if not 0 < self.input_variance < math.inf:
            raise ValueError(f"the inputs' variance is above 0; got {self.input_variance:g}")

    def _check_batch(self) -> None:
        m, n = self.norm_batch_size, self.dataset_size
        if m < 1 or self.devices < 1 or self.positions < 1:
            raise ValueError(
                "examples, devices and positions must be 1 or more; "
                f"got {m}, {self.devices} and {self.positions}"
            )
        if m * self.positions < 2:
            raise ValueError(f"a batch of {m} has no variance; the batch size must be 2 or more")
        worth = self.independent_positions
        if not 1 <= worth <= self.positions:
            raise ValueError(
                f"{self.positions} positions are worth 1 to {self.positions} independent ones; "
                f"got {worth:g}"
            )
        if self.values < 2:
            raise ValueError(
                f"one example whose positions are worth {worth:g} independent values has hardly "
                "any variance of its own; give two examples, or say with --effective-positions "
                "how many independent values its positions are worth"
            )
        if not n >= m * self.devices:
            raise ValueError(
                f"a data set of {n:g} cannot fill one batch of {m * self.devices}; "
                "give a larger data set or a smaller batch"
            )

    def _check_decay(self) -> None:
        if self.keep == "time_constant" and not 1 < self.decay < 1e12:
            raise ValueError(
                f"this rule's memory is in samples, above 1 and below 1e12; got {self.decay:g}"
            )
        if self.keep in ("constant", "debiased") and not 0 <= self.decay < 1:
            raise ValueError(
                f"decay is the weight of the old value, from 0 to below 1; got {self.decay:g}"
            )

    @property
    def independent_positions(self) -> float:
        """Independent values of one example."""
        return 1.0 if self.effective_positions is None else self.effective_positions

    @property
    def values(self) -> float:
        """Independent values behind one mean: examples times independent positions of each."""
        return self.norm_batch_size * self.independent_positions

    @property
    def population(self) -> float:
        """Independent values in the data set."""
        return self.dataset_size * self.independent_positions

    @property
    def decay_per_update(self) -> float:
        """The weight that one update leaves to the old value; 0 for the mean of all batches."""
        if self.keep == "time_constant":
            return running.decay_of_time_constant(self.decay, self.norm_batch_size)
        return 0.0 if self.keep == "cumulative" else self.decay

    @property
    def batches_per_epoch(self) -> int:
        """Updates of one device's averages per epoch, of whole batches alone."""
        return int(self.dataset_size // (self.norm_batch_size * self.devices))

    @property
    def weight_of_start(self) -> float:
        """The share of the average that is still its starting value."""
        return running.weight_of_start(self.keep, self.decay_per_update, self.steps)
