"""What theory predicts for one norm batch size and one rule of a running average."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory import running_variance as variance_theory
from caviar.analysis.theory.running_mean import Keep
from caviar.analysis.theory.running_variance import Second


@dataclass(frozen=True)
class Question:
    """A norm batch size and the rule of a running average.

    `decay` is the weight of the old value or, for `time_constant`, the memory in samples;
    ignored for `cumulative`. `steps` is the number of updates (infinity: the long run),
    `dataset_size` the examples that are shuffled each epoch (infinity: independent batches).
    Raises ValueError with a sentence for the user where a value makes no sense.
    """

    norm_batch_size: int
    decay: float
    keep: Keep = "constant"
    second: Second = "unbiased"
    epsilon: float = 1e-5
    steps: float = math.inf
    dataset_size: float = math.inf
    excess_kurtosis: float = 0.0

    def __post_init__(self) -> None:
        m, n = self.norm_batch_size, self.dataset_size
        if m < 2:
            raise ValueError(f"a batch of {m} has no variance; the batch size must be 2 or more")
        if self.keep == "time_constant" and not 1 < self.decay < 1e12:
            raise ValueError(
                f"this rule's memory is in samples, above 1 and below 1e12; got {self.decay:g}"
            )
        if self.keep in ("constant", "debiased") and not 0 <= self.decay < 1:
            raise ValueError(
                f"decay is the weight of the old value, from 0 to below 1; got {self.decay:g}"
            )
        if self.steps < 1:
            raise ValueError(f"steps must be 1 or more; got {self.steps:g}")
        if n < m:
            raise ValueError(
                f"a data set of {n:g} cannot fill one batch of {m}; "
                "give a larger data set or a smaller batch"
            )
        # No distribution has a lower kurtosis than a fair coin.
        if not -2 <= self.excess_kurtosis < math.inf:
            raise ValueError(
                f"excess kurtosis is -2 or more, 0 for a normal law; got {self.excess_kurtosis:g}"
            )

    @property
    def decay_per_update(self) -> float:
        """The weight that one update leaves to the old value; 0 for the mean of all batches."""
        if self.keep == "time_constant":
            return running.decay_of_time_constant(self.decay, self.norm_batch_size)
        return 0.0 if self.keep == "cumulative" else self.decay

    @property
    def batches_per_epoch(self) -> int:
        """Whole batches of the data set; the rest is dropped, as training here does."""
        return int(self.dataset_size // self.norm_batch_size)


class Error(NamedTuple):
    """Sampling error: of the mean in population deviations, of the variance as log ratio."""

    mean: float
    variance: float


def _error(question: Question, epochs: float, population: float) -> Error:
    m, kurtosis = question.norm_batch_size, question.excess_kurtosis
    squares = running.sum_of_squares(question.keep, question.decay_per_update, question.steps)
    mean = running.linear_variance(squares, epochs, m, population)
    variance = variance_theory.log_error(question.second, squares, epochs, m, population, kurtosis)
    return Error(math.sqrt(mean), variance)


def independent_error(question: Question) -> Error:
    """The error for independent batches, after `steps`."""
    return _error(question, 0.0, math.inf)


def shuffled_error(question: Question) -> Error:
    """The error for shuffled epochs of `dataset_size`, after `steps`.

    In the long run it is that at a random phase within the epoch.
    """
    keep, decay, per_epoch = question.keep, question.decay_per_update, question.batches_per_epoch
    if math.isinf(question.steps):
        epochs = running.mean_sum_of_squared_epochs(keep, decay, per_epoch)
    else:
        before, phase = divmod(int(question.steps) - 1, per_epoch)
        epochs = running.sum_of_squared_epochs(keep, decay, per_epoch, phase + 1, before)
    return _error(question, epochs, question.dataset_size)


def epoch_end_error(question: Question) -> Error:
    """The error for shuffled epochs in the long run, right after an epoch's last batch."""
    keep, decay, per_epoch = question.keep, question.decay_per_update, question.batches_per_epoch
    epochs = running.sum_of_squared_epochs(keep, decay, per_epoch, per_epoch, math.inf)
    return _error(replace(question, steps=math.inf), epochs, question.dataset_size)


def error(question: Question) -> Error:
    """The error to expect: shuffled where the size of the data set is known."""
    known = math.isfinite(question.dataset_size)
    return shuffled_error(question) if known else independent_error(question)


def bias(question: Question) -> float:
    """Log of what the running variance converges to over the population variance."""
    ratio = variance_theory.expected_ratio(
        question.second,
        question.norm_batch_size,
        question.dataset_size,
        question.epsilon,
        question.excess_kurtosis,
    )
    return math.log(ratio) if ratio else -math.inf


def divergence_of_bias(question: Question) -> float:
    """Kullback-Leibler divergence, nats per unit, of two normal laws that differ by the bias."""
    if math.isinf(bias(question)):
        return math.inf
    return (math.expm1(bias(question)) - bias(question)) / 2


def divergence_of_error(question: Question) -> float:
    """The same for the sampling errors, to second order: mean^2 / 2 + variance^2 / 4."""
    expected = error(question)
    return expected.mean**2 / 2 + expected.variance**2 / 4


def effective_examples(question: Question) -> float:
    """Independent examples whose plain mean scatters as the average does: m (sum w)^2 / sum w^2."""
    keep, decay, steps = question.keep, question.decay_per_update, question.steps
    squares = running.sum_of_squares(keep, decay, steps)
    weight = 1 - running.weight_of_start(keep, decay, steps)
    return question.norm_batch_size * weight**2 / squares if squares else math.inf


def noise(question: Question) -> float:
    """nu: variance that the batch's statistics put on a normalised input in training."""
    m, n, kurtosis = question.norm_batch_size, question.dataset_size, question.excess_kurtosis
    return float(theory.noise_of_x_hat(m, n, kurtosis))
