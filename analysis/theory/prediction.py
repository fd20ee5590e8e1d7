"""What theory predicts for one norm batch size and one rule of a running average."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory import running_variance as variance_theory
from caviar.analysis.theory.question import Question


class Error(NamedTuple):
    """An error: of the mean in population deviations, of the variance as log ratio."""

    mean: float
    variance: float


def _sampling(question: Question, epochs: float, population: float) -> Error:
    m, kurtosis = question.values, question.excess_kurtosis
    squares = running.sum_of_squares(question.keep, question.decay_per_update, question.steps)
    mean = running.linear_variance(squares, epochs, m, population)
    variance = variance_theory.log_error(
        question.second, squares, epochs, m, population, kurtosis, _share_of_batches(question)
    )
    return Error(math.sqrt(mean), variance)


def independent_error(question: Question) -> Error:
    """The sampling error for independent batches, after `steps`."""
    return _sampling(question, 0.0, math.inf)


def shuffled_error(question: Question) -> Error:
    """The sampling error for shuffled epochs of `dataset_size`, after `steps`.

    In the long run it is that at a random phase within the epoch.
    """
    keep, decay, per_epoch = question.keep, question.decay_per_update, question.batches_per_epoch
    if math.isinf(question.steps):
        epochs = running.mean_sum_of_squared_epochs(keep, decay, per_epoch)
    else:
        before, phase = divmod(int(question.steps) - 1, per_epoch)
        epochs = running.sum_of_squared_epochs(keep, decay, per_epoch, phase + 1, before)
    return _sampling(question, epochs, question.population)


def epoch_end_error(question: Question) -> Error:
    """The sampling error for shuffled epochs in the long run, after an epoch's last batch."""
    keep, decay, per_epoch = question.keep, question.decay_per_update, question.batches_per_epoch
    epochs = running.sum_of_squared_epochs(keep, decay, per_epoch, per_epoch, math.inf)
    return _sampling(replace(question, steps=math.inf), epochs, question.population)


def error(question: Question) -> Error:
    """The sampling error to expect: shuffled where the size of the data set is known."""
    known = math.isfinite(question.dataset_size)
    return shuffled_error(question) if known else independent_error(question)


def with_offset(question: Question, sampling: Error) -> Error:
    """The root mean square of a sampling error and what is off on average: start and bias."""
    return Error(
        math.hypot(sampling.mean, start_of_mean(question)),
        math.hypot(sampling.variance, offset(question)),
    )


def _long_run_ratio(question: Question) -> float:
    return variance_theory.expected_ratio(
        question.second,
        question.values,
        question.population,
        question.epsilon,
        question.excess_kurtosis,
        question.positions / question.independent_positions,
    )


class _Stored(NamedTuple):
    """What a running average holds, in the rule's own units over the population's."""

    start: float
    batch: float


def _as_stored(question: Question) -> _Stored:
    """The start and what one batch adds on average; epsilon is neglected beside the variance."""
    ratio, variance = _long_run_ratio(question), question.input_variance
    start = question.initial_second
    if question.second == "inverse_deviation":
        return _Stored(start * math.sqrt(variance), math.inf if ratio == 0 else ratio**-0.5)
    if question.second == "biased_plus_epsilon":
        start -= question.epsilon
    return _Stored(start / variance, ratio)


def _expected(question: Question) -> float:
    """What is stored on average."""
    left, stored = question.weight_of_start, _as_stored(question)
    return left * stored.start + (1 - left) * stored.batch if left < 1 else stored.start


def _share_of_batches(question: Question) -> float:
    """What one batch adds on average over what is stored on average."""
    batch = _as_stored(question).batch
    return 1.0 if math.isinf(batch) else batch / _expected(question)


def bias(question: Question) -> float:
    """Log of what the running variance converges to over the population variance."""
    ratio = _long_run_ratio(question)
    return math.log(ratio) if ratio else -math.inf


def offset(question: Question) -> float:
    """Log of the expected running variance over the population's: the start and the rule's bias."""
    if question.weight_of_start == 0:
        return bias(question)
    stored = _expected(question)
    if math.isinf(stored):
        return -math.inf
    return math.log(stored) * (-2 if question.second == "inverse_deviation" else 1)


def start_of_mean(question: Question) -> float:
    """What is left of the starting mean's distance, in population deviations, with its sign."""
    start = question.initial_mean / math.sqrt(question.input_variance)
    return question.weight_of_start * (start - question.input_mean)


def divergence_of_ratio(log_ratio: float) -> float:
    """Kullback-Leibler divergence, nats, of two normal laws whose variances have this ratio."""
    if math.isinf(log_ratio):
        return math.inf
    return (math.expm1(log_ratio) - log_ratio) / 2


def divergence_of_bias(question: Question) -> float:
    """The divergence, nats per unit, of the rule's bias in the long run."""
    return divergence_of_ratio(bias(question))


def divergence_of_error(question: Question) -> float:
    """The same for the sampling errors, to second order: mean^2 / 2 + variance^2 / 4."""
    expected = error(question)
    return expected.mean**2 / 2 + expected.variance**2 / 4


def divergence(question: Question) -> float:
    """Nats per unit between a unit read with its running average and with its population.

    Everything together: sampling errors, what is left of the start, and the rule's bias.
    """
    systematic = start_of_mean(question) ** 2 / 2 + divergence_of_ratio(offset(question))
    return systematic + divergence_of_error(question)


def effective_examples(question: Question) -> float:
    """Independent values whose plain mean scatters as the average does: m (sum w)^2 / sum w^2."""
    keep, decay, steps = question.keep, question.decay_per_update, question.steps
    squares = running.sum_of_squares(keep, decay, steps)
    weight = 1 - running.weight_of_start(keep, decay, steps)
    return question.values * weight**2 / squares if squares else math.inf


def noise(question: Question) -> float:
    """nu: variance that the batch's statistics put on a normalised input in training."""
    kurtosis = question.excess_kurtosis
    return float(theory.noise_of_x_hat(question.values, question.population, kurtosis))


def dropout_rate(question: Question) -> float:
    """The rate of the dropout whose noise has the variance of the batch's."""
    return float(theory.equivalent_dropout(noise(question)))
