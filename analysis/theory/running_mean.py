"""Closed forms of a running average: the weights of its batches and of its starting value.

`decay` is the weight that an update leaves to the old value, `steps` the number of updates so
far; with `steps` infinite a form is its limit. Rules by name: `constant` r <- d r + (1 - d) s;
`debiased` the same from 0, divided by 1 - d^t; `cumulative` the mean of all batches;
`time_constant` copies the first batch and then continues like `constant`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from scipy.optimize import brentq

Keep = Literal["constant", "debiased", "cumulative", "time_constant"]


def decay_of_time_constant(samples: float, m: int) -> float:
    """exp(-m / T): the decay per update of m examples that a memory of T samples stands for."""
    return math.exp(-m / samples)


def weight_of_start(keep: Keep, decay: float, steps: float) -> float:
    """Remaining weight of the starting value: decay^steps, or 0 where it is replaced."""
    return math.pow(decay, steps) if keep == "constant" else 0.0


def steps_to_forget(keep: Keep, decay: float, share: float) -> int:
    """The first number of updates after which the starting value weighs less than `share`."""
    if keep != "constant":
        return 0
    return 1 if decay == 0 else math.floor(math.log(share) / math.log(decay)) + 1


def _constant_squares(decay: float, steps: float) -> float:
    return (1 - decay) / (1 + decay) * (1 - math.pow(decay, 2 * steps))


def _debiased_squares(decay: float, steps: float) -> float:
    return _constant_squares(decay, steps) / math.pow(1 - math.pow(decay, steps), 2)


def _cumulative_squares(decay: float, steps: float) -> float:
    return 1 / steps


def _time_constant_squares(decay: float, steps: float) -> float:
    first = math.pow(decay, 2 * (steps - 1))
    return _constant_squares(decay, steps) + first * decay * (2 - decay)


_SQUARES: dict[Keep, Callable[[float, float], float]] = {
    "constant": _constant_squares,
    "debiased": _debiased_squares,
    "cumulative": _cumulative_squares,
    "time_constant": _time_constant_squares,
}


def sum_of_squares(keep: Keep, decay: float, steps: float) -> float:
    """Sum of the squared weights of the batches: the variance of an average of independent ones.

    In units of the variance of one batch's statistic; (1 - d) / (1 + d) in the long run.
    """
    return _SQUARES[keep](decay, steps)


def _constant_epochs(decay: float, per_epoch: int, phase: int, epochs: float) -> float:
    fading = math.pow(decay, 2 * phase) * (1 - math.pow(decay, 2 * per_epoch * epochs))
    whole = math.pow(decay, per_epoch)
    return math.pow(1 - math.pow(decay, phase), 2) + fading * (1 - whole) / (1 + whole)


def _debiased_epochs(decay: float, per_epoch: int, phase: int, epochs: float) -> float:
    total = 1 - math.pow(decay, phase + per_epoch * epochs)
    return _constant_epochs(decay, per_epoch, phase, epochs) / (total * total)


def _cumulative_epochs(decay: float, per_epoch: int, phase: int, epochs: float) -> float:
    if math.isinf(epochs):
        return 0.0
    return (epochs * per_epoch**2 + phase**2) / (phase + per_epoch * epochs) ** 2


def _time_constant_epochs(decay: float, per_epoch: int, phase: int, epochs: float) -> float:
    oldest = 1 - math.pow(decay, phase)
    if epochs:
        age = phase + per_epoch * (epochs - 1)
        oldest = math.pow(decay, age) * (1 - math.pow(decay, per_epoch))
    extra = math.pow(decay, phase + per_epoch * epochs)
    plain = _constant_epochs(decay, per_epoch, phase, epochs)
    return plain + 2 * oldest * extra + extra**2


_EPOCHS: dict[Keep, Callable[[float, int, int, float], float]] = {
    "constant": _constant_epochs,
    "debiased": _debiased_epochs,
    "cumulative": _cumulative_epochs,
    "time_constant": _time_constant_epochs,
}


def sum_of_squared_epochs(
    keep: Keep, decay: float, per_epoch: int, phase: int, epochs: float
) -> float:
    """Sum over epochs of the squared weight of an epoch, `phase` batches into the last of them.

    There are `per_epoch` batches per epoch; `phase` runs from 1 to `per_epoch`; `epochs` counts
    the whole epochs before.
    """
    return _EPOCHS[keep](decay, per_epoch, phase, epochs)


def mean_sum_of_squared_epochs(keep: Keep, decay: float, per_epoch: int) -> float:
    """`sum_of_squared_epochs` in the long run, averaged over the phase within the epoch."""
    if keep == "cumulative":
        return 0.0
    within = 2 * decay * (1 - math.pow(decay, per_epoch))
    return 1 - within / (per_epoch * (1 - decay**2))


def linear_variance(squares: float, epochs: float, m: float, population: float) -> float:
    """Variance of the running average of a mean over examples, in population variances.

    The variance of an exponential average over shuffled epochs, for any weights: disjoint
    batches of an epoch are negatively correlated, so N / (N - 1) (squares / m - epochs / N),
    exact; squares / m for an infinite population. `squares` and `epochs` are the two sums above.
    """
    if math.isinf(population):
        return squares / m
    # A whole epoch of equal weights leaves only rounding error, of either sign.
    return max(0.0, population / (population - 1) * (squares / m - epochs / population))


def lag(keep: Keep, decay: float, steps: float) -> float:
    """Weighted mean age, in updates, of the batches in the average; a drift times it is the lag.

    It is d / (1 - d) in the long run and (t - 1) / 2 for the mean of all batches.
    """
    if keep == "cumulative":
        return (steps - 1) / 2
    left = math.pow(decay, steps)
    if keep == "time_constant":
        return (decay - left) / (1 - decay)
    gone = 0.0 if math.isinf(steps) else steps * left / (1 - left)
    return decay / (1 - decay) - gone


def drift_of_best_memory(m: float, memory: float) -> float:
    """The drift, in population deviations per update, for which `memory` is the best.

    Where the squared error of the running mean of independent batches, its exact variance
    (1 - d) / ((1 + d) m) plus its squared lag b^2 d^2 / (1 - d)^2, has a derivative of 0 at
    d = 1 - 1 / memory. Infinite for a memory of one update.
    """
    decay = 1 - 1 / memory
    return math.inf if decay == 0 else math.sqrt(1 / (m * decay * (1 + decay) ** 2 * memory**3))


def best_memory(m: float, drift: float) -> float:
    """The memory 1 / (1 - d) in updates of least squared error under a steady `drift`.

    Solved numerically; (1 / (4 m b^2))^(1/3) for long memories.
    """
    goal = math.log(m) + 2 * math.log(drift)

    def beyond(memory: float) -> float:
        decay = 1 - 1 / memory
        return math.log(decay * (1 + decay) ** 2) + 3 * math.log(memory) + goal

    highest = max(2.0, math.exp(-goal / 3))
    # Just above one update the derivative has the other sign, whatever the drift.
    lowest = 1 + 1e-12
    return float(brentq(beyond, lowest, highest)) if beyond(lowest) < 0 else 1.0


def decay_at_another_batch(decay: float, times: float, drift_times: float = 1.0) -> float:
    """The decay that is best at `times` the batch size if `decay` is best now.

    For `drift_times` the drift per update: 1 at the same learning rate, `times` where the rate
    grows with the batch. For long memories 1 - (1 - decay) times^(1/3) and decay^times.
    """
    drift = drift_of_best_memory(1.0, 1 / (1 - decay))
    return 1 - 1 / best_memory(times, drift * drift_times) if decay else 0.0
