"""What theory alone says about a norm batch size and a running average: numbers and advice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from caviar.analysis.notebook import block
from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.advice.action import Action, ends_of
from caviar.analysis.theory.advice.average_changes import FORGOTTEN
from caviar.analysis.theory.advice.curve import Point, curve
from caviar.analysis.theory.advice.framework_words import PLAIN, Words
from caviar.analysis.theory.advice.laws import (
    EXACT,
    KEY_NUMBERS,
    LAWS,
    MEASURED,
    OF_A_VARIANCE,
    SIMULATED,
)
from caviar.analysis.theory.prediction import (
    bias,
    divergence,
    dropout_rate,
    effective_examples,
    epoch_end_error,
    error,
    independent_error,
    noise,
    offset,
    shuffled_error,
    with_offset,
)
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.recommendations import NOTHING, recommendations

NOTES = (
    f"'{EXACT}' numbers are checked against the definition, an enumeration or the recursion "
    f"itself; '{SIMULATED}' against random batches of normal inputs; '{MEASURED}' against the "
    "averages of real networks with frozen weights on digits. None is computed from your data.",
    "The errors are those of the first batch-norm layer with frozen weights. A deeper layer "
    "receives inputs that were normalised by the same batch: in the same test its mean scatters "
    "less, and its variance has a bias of its own, which precise statistics remove and no rule "
    "does.",
)


@dataclass(frozen=True)
class Number:
    """One answer: its key in `LAWS`, the law's words, and the value, which may be infinite.

    `independent` is its value where all positions of a convolution are independent, while `value`
    is that where they are alike; None where there is one value only.
    """

    key: str
    value: float
    words: str
    unit: str
    source: str
    checked: str
    independent: float | None = None


@dataclass(frozen=True, repr=False)
class Advice:
    """What theory says: the changes, the most useful one first, and the numbers behind them.

    `change` holds the changes as sentences, `key_numbers` the numbers that decisions rest on,
    `curve` errors and noise at other norm batch sizes.

    >>> advice = caviar.advise(8, decay=0.9)
    >>> advice.actions[0].kind
    'recompute'
    >>> {number.key: round(number.value, 3) for number in advice.numbers}["lag"]
    9.0
    """

    actions: tuple[Action, ...]
    numbers: tuple[Number, ...]
    change: tuple[str, ...]
    curve: tuple[Point, ...]
    notes: tuple[str, ...] = NOTES

    @property
    def key_numbers(self) -> tuple[Number, ...]:
        """The few numbers that decisions rest on."""
        shuffled = any(number.key == "mean_error_shuffled" for number in self.numbers)
        keys = [key.format(way="shuffled" if shuffled else "independent") for key in KEY_NUMBERS]
        return tuple(number for number in self.numbers if number.key in keys)

    def __repr__(self) -> str:
        return f"<Advice: {len(self.numbers)} numbers; {' '.join(self.change)}>"

    def _repr_html_(self) -> str:
        rows = [
            (one.words, span(one.value, one.independent), one.unit, one.checked)
            for one in self.numbers
        ]
        header = ("theory says", "value", "unit", "checked")
        return block("What to do", self.change, [header, *rows])


def span(value: float, independent: float | None) -> str:
    """A number, or the two ends between which a convolution's lies."""
    ends = (value,) if independent is None else (value, independent)
    return " to ".join(dict.fromkeys(f"{end:.4g}" for end in ends))


def advise(question: Question, words: Words = PLAIN) -> Advice:
    """Answer a question from closed forms alone, without any run, in a framework's words."""
    low, *high = (_values(end) for end in ends_of(question))
    numbers = tuple(
        Number(
            *(key, low[key], law.words, law.unit, law.source, _checked(key, question)),
            high[0][key] if high else None,
        )
        for key, law in LAWS.items()
        if key in low
    )
    actions = recommendations(question, words)
    return Advice(actions, numbers, tuple(map(str, actions)) or (NOTHING,), curve(question))


def _values(question: Question) -> dict[str, float]:
    return {**dict(_average(question)), **dict(_training(question))}


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
        expected = with_offset(question, error_of(question))
        yield f"mean_error_{way}", expected.mean
        yield f"variance_error_{way}", expected.variance
    yield "mean_sampling", error(question).mean
    yield "variance_sampling", error(question).variance
    yield "effective_examples", effective_examples(question)
    yield "variance_bias", bias(question)
    yield "variance_offset", offset(question)
    yield "divergence", divergence(question)
    yield "test_scale", math.exp(-offset(question) / 2)
    yield "steps_to_forget", running.steps_to_forget(keep, decay, FORGOTTEN)
    if math.isfinite(question.steps):
        yield "start_left", question.weight_of_start
    yield "lag", running.lag(keep, decay, question.steps)
    if keep != "cumulative":
        memory = 1 / (1 - decay)
        yield "best_at_drift", running.drift_of_best_memory(question.values, memory)
        if keep != "time_constant":
            yield "decay_at_twice", running.decay_at_another_batch(decay, 2)
            yield "decay_at_twice_linear", running.decay_at_another_batch(decay, 2, 2)


def _training(question: Question) -> Iterator[tuple[str, float]]:
    """Numbers of the batch's own statistics; an example's own part is exact for each value."""
    m, counted = question.values, question.norm_batch_size * question.positions
    yield "noise", noise(question)
    yield "equivalent_dropout", dropout_rate(question)
    yield "inflation", theory.inflation(m, question.excess_kurtosis)
    if question.excess_kurtosis == 0:
        yield "squared_inflation", theory.squared_inflation(m)
    yield "self_influence", float(theory.self_influence(counted))
    yield "largest_x_hat", math.sqrt(counted - 1)
