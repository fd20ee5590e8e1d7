"""What theory alone says about a norm batch size and a running average: numbers and advice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from caviar.analysis.notebook import block
from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.prediction import (
    Question,
    bias,
    divergence_of_bias,
    divergence_of_error,
    effective_examples,
    epoch_end_error,
    independent_error,
    noise,
    shuffled_error,
)
from caviar.analysis.theory.recommendations import FORGOTTEN, recommendations

EXACT = "exact, tested"
SIMULATED = "simulated in tests"
MEASURED = "measured in tests, layer 1"
THEORY = "theory only"

NOTES = (
    f"'{EXACT}' numbers are checked against the definition, an enumeration or the recursion "
    f"itself; '{SIMULATED}' against random batches of normal inputs; '{MEASURED}' against the "
    "averages of real networks with frozen weights on digits. None is computed from your data.",
    "The errors are those of the first batch-norm layer with frozen weights. A deeper layer "
    "receives inputs that were normalised by the same batch: in the same test its mean scatters "
    "less, and its variance has a bias of its own, which precise statistics remove and no rule "
    "does.",
)


class Law(NamedTuple):
    """A number in words, its unit, the law that it follows, and how this project checked it."""

    words: str
    unit: str
    source: str
    checked: str


LAWS = {
    "effective_examples": Law(
        "independent examples as accurate as the average",
        "examples",
        "m (sum of weights)^2 / sum of squared weights; m (1 + d) / (1 - d) in the long run",
        EXACT,
    ),
    "mean_error_independent": Law(
        "error of the running mean, independent batches",
        "sigma",
        "variance of an exponential average",
        EXACT,
    ),
    "mean_error_shuffled": Law(
        "error of the running mean, shuffled epochs",
        "sigma",
        "variance of an exponential average over shuffled epochs",
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
        "variance of a U-statistic, averaged; chi-squared law of the log",
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
    "variance_bias": Law(
        "bias of the running variance, by its rule",
        "log ratio",
        "expected batch variance (m - 1) / m, times the rule's own factor",
        EXACT,
    ),
    "divergence": Law(
        "errors and bias together: Kullback-Leibler divergence",
        "nats per unit",
        "two normal laws; errors to second order",
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
        "least of noise 1 / (2 m tau) and squared lag, independent batches",
        "minimised in tests",
    ),
    "decay_at_twice": Law(
        "best decay at twice the batch, same learning rate",
        "decay",
        "tau* ~ m^(-1/3)",
        THEORY,
    ),
    "decay_at_twice_linear": Law(
        "best decay at twice the batch and learning rate",
        "decay",
        "tau* ~ 1 / m: the same memory in examples, d^2",
        THEORY,
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
        "x_hat at test time over that in training, by the bias",
        "times",
        "exp(-bias / 2)",
        EXACT,
    ),
}
"""Every number that `advise` can give, in the order of printing."""

OF_A_VARIANCE = {
    *("variance_bias", "variance_error_shuffled", "variance_error_epoch_end", "test_scale")
}
"""Numbers that are only simulated where 1 / sigma_B is averaged and not a variance."""


@dataclass(frozen=True)
class Number:
    """One answer: its key in `LAWS`, the law's words, and the value, which may be infinite."""

    key: str
    value: float
    words: str
    unit: str
    source: str
    checked: str


@dataclass(frozen=True, repr=False)
class Advice:
    """What theory says: the numbers, the changes that they suggest, and notes on all of them.

    >>> advice = caviar.advise(8, decay=0.9)
    >>> {number.key: round(number.value, 3) for number in advice.numbers}["lag"]
    9.0
    """

    numbers: tuple[Number, ...]
    change: tuple[str, ...]
    notes: tuple[str, ...] = NOTES

    def __repr__(self) -> str:
        return f"<Advice: {len(self.numbers)} numbers; {' '.join(self.change)}>"

    def _repr_html_(self) -> str:
        rows = [(one.words, f"{one.value:.4g}", one.unit, one.checked) for one in self.numbers]
        header = ("theory says", "value", "unit", "checked")
        return block("What to change", self.change, [header, *rows])


def advise(question: Question) -> Advice:
    """Answer a question from closed forms alone, without any run."""
    values = {**dict(_average(question)), **dict(_training(question))}
    numbers = tuple(
        Number(key, values[key], law.words, law.unit, law.source, _checked(key, question))
        for key, law in LAWS.items()
        if key in values
    )
    return Advice(numbers, tuple(recommendations(question)))


def _checked(key: str, question: Question) -> str:
    delta_method = key in OF_A_VARIANCE and question.second == "inverse_deviation"
    delta_method |= key == "inflation" and question.excess_kurtosis != 0
    return SIMULATED if delta_method else LAWS[key].checked


def _average(question: Question) -> Iterator[tuple[str, float]]:
    """Numbers of the running average."""
    keep, decay = question.keep, question.decay_per_update
    ways = {"independent": independent_error}
    if math.isfinite(question.dataset_size):
        ways["shuffled"] = shuffled_error
        if math.isinf(question.steps):
            ways["epoch_end"] = epoch_end_error
    for way, error_of in ways.items():
        expected = error_of(question)
        yield f"mean_error_{way}", expected.mean
        yield f"variance_error_{way}", expected.variance
    yield "effective_examples", effective_examples(question)
    yield "variance_bias", bias(question)
    yield "divergence", divergence_of_bias(question) + divergence_of_error(question)
    yield "test_scale", math.exp(-bias(question) / 2)
    yield "steps_to_forget", running.steps_to_forget(keep, decay, FORGOTTEN)
    if math.isfinite(question.steps):
        yield "start_left", running.weight_of_start(keep, decay, question.steps)
    yield "lag", running.lag(keep, decay, question.steps)
    if keep != "cumulative":
        memory = 1 / (1 - decay)
        yield "best_at_drift", running.drift_of_best_memory(question.norm_batch_size, memory)
        if keep != "time_constant":
            yield "decay_at_twice", running.decay_at_another_batch(decay, 2)
            yield "decay_at_twice_linear", decay**2


def _training(question: Question) -> Iterator[tuple[str, float]]:
    """Numbers of the batch's own statistics."""
    m = question.norm_batch_size
    yield "noise", noise(question)
    yield "equivalent_dropout", float(theory.equivalent_dropout(noise(question)))
    yield "inflation", theory.inflation(m, question.excess_kurtosis)
    if question.excess_kurtosis == 0:
        yield "squared_inflation", theory.squared_inflation(m)
    yield "self_influence", float(theory.self_influence(m))
    yield "largest_x_hat", math.sqrt(m - 1)
