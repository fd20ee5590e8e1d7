"""The numbers that theory gives: words, unit, law, and how this project checked each."""

from __future__ import annotations

from typing import NamedTuple

from caviar.analysis.theory.advice.average_changes import FORGOTTEN
from caviar.analysis.theory.optimum import DIVERGENCE

EXACT = "exact, tested"
SIMULATED = "simulated in tests"
MEASURED = "measured in tests, layer 1"
MINIMISED = "minimised in tests"
THEORY = "theory only"


class Law(NamedTuple):
    """A number in words, its unit, the law that it follows, and how this project checked it."""

    words: str
    unit: str
    source: str
    checked: str


LAWS = {
    "effective_examples": Law(
        "independent values as accurate as the average",
        "values",
        "m (sum of weights)^2 / sum of squared weights; m (1 + d) / (1 - d) in the long run",
        EXACT,
    ),
    "mean_error_independent": Law(
        "error of the running mean, independent batches",
        "sigma",
        "root mean square: variance of an exponential average, and what is left of the start",
        EXACT,
    ),
    "mean_error_shuffled": Law(
        "error of the running mean, shuffled epochs",
        "sigma",
        "the same with the variance over shuffled epochs",
        MEASURED,
    ),
    "mean_error_epoch_end": Law(
        "error of the running mean, at an epoch's end",
        "sigma",
        "the same in the long run, after an epoch's last batch",
        MEASURED,
    ),
    "variance_error_independent": Law(
        "error of the running variance, independent batches",
        "log ratio",
        "root mean square: variance of a U-statistic, averaged (chi-squared law of the log), the "
        "rule's bias and what is left of the start",
        SIMULATED,
    ),
    "variance_error_shuffled": Law(
        "error of the running variance, shuffled epochs",
        "log ratio",
        "the same over shuffled epochs, to leading order in 1 / N",
        MEASURED,
    ),
    "variance_error_epoch_end": Law(
        "error of the running variance, at an epoch's end",
        "log ratio",
        "the same in the long run, after an epoch's last batch",
        MEASURED,
    ),
    "mean_sampling": Law(
        "of the mean's error, sampling", "sigma", "without what is left of the start", SIMULATED
    ),
    "variance_sampling": Law(
        "of the variance's error, sampling",
        "log ratio",
        "without the rule's bias and what is left of the start",
        SIMULATED,
    ),
    "variance_bias": Law(
        "bias of the running variance, by its rule",
        "log ratio",
        "expected batch variance (m - 1) / m, times the rule's own factor",
        EXACT,
    ),
    "variance_offset": Law(
        "expected running variance over the population's",
        "log ratio",
        "the rule's bias, and the start by its weight",
        EXACT,
    ),
    "divergence": Law(
        f"all errors together ({DIVERGENCE:g} is worth a change)",
        "nats per unit",
        "Kullback-Leibler divergence of two normal laws; sampling errors to second order",
        SIMULATED,
    ),
    "steps_to_forget": Law(
        f"steps until the starting value weighs under {FORGOTTEN:.0%}",
        "steps",
        "d^t; none where the first batch replaces it",
        EXACT,
    ),
    "start_left": Law(
        "weight of the starting value after these steps", "of the whole", "d^t", EXACT
    ),
    "lag": Law(
        "mean age of the statistics, which multiplies a drift",
        "steps",
        "weighted mean age; d / (1 - d) in the long run, (t - 1) / 2 for a plain mean",
        EXACT,
    ),
    "best_at_drift": Law(
        "drift of the mean at which this decay is best",
        "sigma per step",
        "least of (1 - d) / ((1 + d) m) and squared lag, independent batches, exact",
        MINIMISED,
    ),
    "decay_at_twice": Law(
        "best decay at twice the batch, same learning rate",
        "decay",
        "the same minimum at 2 m, solved numerically",
        MINIMISED,
    ),
    "decay_at_twice_linear": Law(
        "best decay at twice the batch and learning rate",
        "decay",
        "the same minimum at 2 m and twice the drift, solved numerically",
        MINIMISED,
    ),
    "noise": Law(
        "noise of a normalised input in training",
        "variance of x_hat",
        "(1 + (kurtosis + 2) / 4) / m, leading order: 12 % high at m = 4, 5 % at 16",
        SIMULATED,
    ),
    "equivalent_dropout": Law("dropout rate with as much noise", "rate", "nu / (1 + nu)", THEORY),
    "inflation": Law(
        "training's factor 1 / sigma_B over 1 / sigma, mean",
        "times",
        "chi law of sigma_B for normal inputs; + 3 kurtosis / (8 m)",
        EXACT,
    ),
    "squared_inflation": Law(
        "the same squared, mean",
        "times",
        "m / (m - 3) for normal inputs only; infinite up to m = 3",
        EXACT,
    ),
    "self_influence": Law(
        "shrinkage of x_hat by the example's own presence",
        "times",
        "sqrt((m - 1) / m), before a soft clip",
        EXACT,
    ),
    "largest_x_hat": Law(
        "largest x_hat that training can see", "sigma_B", "sqrt(m - 1), Samuelson", EXACT
    ),
    "test_scale": Law(
        "x_hat at test time over that in training, on average",
        "times",
        "the expected running variance over the population's, to the power -1/2",
        EXACT,
    ),
}
"""Every number that `advise` can give, in the order of printing."""

KEY_NUMBERS = (
    *("divergence", "mean_error_{way}", "variance_error_{way}"),
    *("steps_to_forget", "lag", "equivalent_dropout"),
)
"""The numbers that decisions rest on, with the way in which batches are drawn left open."""

OF_A_VARIANCE = {
    *("variance_bias", "variance_error_shuffled", "variance_error_epoch_end", "test_scale"),
    "variance_offset",
}
"""Numbers that are only simulated where 1 / sigma_B is averaged and not a variance."""
