"""Closed forms of a running variance: what it converges to, and how it scatters around that.

The rules differ in what they average of a batch of m with biased variance v: `biased` v,
`unbiased` v m / (m - 1), `guarded` v m / (m - 1 - epsilon), `inverse_deviation` 1 / sqrt(v) and
`biased_plus_epsilon` v + epsilon; the last two are converted back to a variance. Elsewhere
epsilon is neglected. All ratios are to the population variance, of N examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from scipy.special import polygamma

from caviar.analysis.theory.batch_statistics import finite_population, inflation, squared_inflation
from caviar.analysis.theory.running_mean import linear_variance

Second = Literal["biased", "unbiased", "guarded", "inverse_deviation", "biased_plus_epsilon"]


def _one_more(population: float) -> float:
    """N / (N - 1), the unbiased over the biased variance of the population."""
    return 1.0 if math.isinf(population) else population / (population - 1)


_FACTOR: dict[Second, Callable[[float, float], float]] = {
    "biased": lambda counted, epsilon: 1.0,
    "unbiased": lambda counted, epsilon: counted / (counted - 1),
    "guarded": lambda counted, epsilon: counted / (counted - 1 - epsilon),
    "biased_plus_epsilon": lambda counted, epsilon: 1.0,
}
"""By what a rule multiplies the biased variance of a batch of `counted` values."""


def expected_ratio(
    second: Second,
    m: float,
    population: float,
    epsilon: float,
    excess_kurtosis: float,
    redundancy: float = 1.0,
) -> float:
    """What a long running variance converges to, over the population variance.

    `m` are the independent values of a batch; the rule corrects for `redundancy` times as many,
    all that it counts. Exact for the rules that average a variance: (m - 1) / m for `biased`, 1
    for `unbiased` of independent values, times N / (N - 1) without replacement.
    `inverse_deviation` is 1 / E[sigma / sigma_B]^2 (0 at m = 2), exact for independent batches of
    a normal law.
    """
    if second == "inverse_deviation":
        left = float(finite_population(m, population))
        excess = (inflation(m, excess_kurtosis) - 1) * left if left else 0.0
        return 1 / (1 + excess) ** 2
    factor = _FACTOR[second](m * redundancy, epsilon)
    return (m - 1) / m * factor * _one_more(population)


def variance_of_variance(
    squares: float, epochs: float, m: float, population: float, excess_kurtosis: float
) -> float:
    """Variance of a running average of unbiased batch variances, over sigma^4.

    Two uncorrelated parts of a U-statistic (Hoeffding): a mean over examples, of variance
    kurtosis + 2, and one over pairs, of variance 2 / (m (m - 1)) per batch. Exact for
    independent batches, kurtosis / m + 2 / (m - 1) times `squares`; with shuffling, to leading
    order in 1 / N. `squares` and `epochs` as in `linear_variance`.
    """
    linear = (excess_kurtosis + 2) * linear_variance(squares, epochs, m, population)
    part = m / population
    pairs = max(0.0, (1 - 2 * part) * squares + part**2 * epochs)
    return linear + 2 / (m * (m - 1)) * pairs


def deviation_of_log(relative_variance: float) -> float:
    """Standard deviation of the log of a positive average, from its relative variance.

    Exact for a scaled chi-squared variable, so for one batch of a normal law; otherwise from the
    first two moments (Satterthwaite): sqrt(trigamma(1 / relative_variance)).
    """
    if relative_variance == 0:
        return 0.0
    return math.sqrt(float(polygamma(1, 1 / relative_variance)))


def log_error(
    second: Second,
    squares: float,
    epochs: float,
    m: float,
    population: float,
    excess_kurtosis: float,
    times: float = 1.0,
) -> float:
    """Standard deviation of the log of a running variance: its sampling error.

    `times` is what batches alone would store over what is stored in all, in the rule's own
    units: a starting value that still weighs has no sampling error. For `inverse_deviation` it is
    twice the relative deviation of the average of 1 / sigma_B (delta method), infinite up to
    m = 3, where 1 / sigma_B has no variance.
    """
    if second != "inverse_deviation":
        relative = variance_of_variance(squares, epochs, m, population, excess_kurtosis)
        return deviation_of_log(relative * times**2)
    if math.isinf(squared_inflation(m)):
        return math.inf if finite_population(m, population) else 0.0
    # This is of order 1 / m^2, which rounding can make negative for very large batches.
    beyond = max(0.0, squared_inflation(m) / inflation(m, 0.0) ** 2 - 1 - 1 / (2 * m))
    linear = (excess_kurtosis + 2) / 4 * linear_variance(squares, epochs, m, population)
    spread = linear + beyond * squares * float(finite_population(m, population))
    return 2 * math.sqrt(spread) * times
