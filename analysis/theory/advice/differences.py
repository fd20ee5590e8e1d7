"""What the settings of a translation leave different between two rules, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from caviar.analysis.theory.advice.average_changes import FORGOTTEN
from caviar.analysis.theory.advice.framework_words import Words
from caviar.analysis.theory.running_mean import Keep, steps_to_forget
from caviar.analysis.theory.running_variance import Second, expected_ratio

CLAMPED = {"tensorflow-fused", "tensorflow-slim"}
SMALLEST_EPSILON = 1.001e-5
"""TensorFlow's fused batch norm takes no smaller epsilon: it is raised to this one."""

FUSED_IN_CONVOLUTIONS = "tensorflow-layers"
"""The row that calls the fused kernel, and so stores the unbiased variance, in a convolution."""


@dataclass(frozen=True)
class Rule:
    """What a translation needs of a convention: the fields of `Convention` of the same names."""

    name: str
    keep: Keep
    second: Second
    decay: float | None
    epsilon: float
    initial_second: float
    batch_of_one: str
    gamma: str
    updates: str


def in_convolution(rule: Rule) -> Rule:
    """The rule as it averages where each example has several positions."""
    return replace(rule, second="unbiased") if rule.name == FUSED_IN_CONVOLUTIONS else rule


def differences(
    source: Rule, target: Rule, words: Words, per_update: float | None, counted: int | None
) -> Iterator[str]:
    """A sentence each. `words` are the target's, `per_update` the decay of an update, None for a
    plain mean, and `counted` the values behind a mean, None where they are not known."""
    yield from _weights_that_differ(source, target, per_update)
    yield from _estimators_that_differ(source, target, counted)
    if target.name in CLAMPED and source.epsilon < SMALLEST_EPSILON:
        yield f"{target.name} raises epsilon to {SMALLEST_EPSILON:g}"
    start = target.gamma
    if words.learned_gamma and source.gamma.startswith("learned"):
        start = "learned from 1"
    if source.gamma != start:
        yield f"{target.name} {GAMMA[start]}, {source.name} {GAMMA[source.gamma]}"
    if source.batch_of_one != target.batch_of_one:
        yield (
            f"with one value per channel (a batch of one, without positions) {target.name} "
            f"{OF_ONE[target.batch_of_one]}, {source.name} {OF_ONE[source.batch_of_one]}"
        )
    if source.updates != target.updates:
        yield (
            f"{target.name} updates its averages in the {target.updates} pass, {source.name} in "
            f"the {source.updates} pass"
        )


def _weights_that_differ(source: Rule, target: Rule, per_update: float | None) -> Iterator[str]:
    if (source.keep == "cumulative") != (target.keep == "cumulative"):
        mean, other = (source, target) if source.keep == "cumulative" else (target, source)
        yield (
            f"{mean.name} takes the plain mean of all batches and has no decay, {other.name} "
            "forgets: no setting makes them the same"
        )
    elif (source.keep == "constant") != (target.keep == "constant"):
        kept, none = (source, target) if source.keep == "constant" else (target, source)
        steps = steps_to_forget("constant", per_update or 0.0, FORGOTTEN)
        yield (
            f"{kept.name} keeps its start, 0 and 1, until that weighs under {FORGOTTEN:.0%} after "
            f"{steps:,} update{'s' * (steps > 1)}; {none.name} does not"
        )
    if {source.keep, target.keep} == {"debiased", "time_constant"}:
        divides, copies = (source, target) if source.keep == "debiased" else (target, source)
        yield (
            f"{divides.name} and {copies.name} weigh the first batches differently: "
            f"{divides.name} divides by 1 - d^t, {copies.name} takes the first batch whole"
        )


def _estimators_that_differ(source: Rule, target: Rule, counted: int | None) -> Iterator[str]:
    same_when_read = {"biased", "biased_plus_epsilon"}
    if source.second == target.second or {source.second, target.second} <= same_when_read:
        return
    told = (
        f"{target.name} averages {AVERAGED[target.second]}, {source.name} {AVERAGED[source.second]}"
    )
    if counted is None:
        yield (
            f"{told}, where m counts examples times positions: in further training the variance "
            "changes; --batch-size and, for a convolution, --positions say by how much"
        )
        return
    if counted == 1:
        yield f"{told}: a single value has no variance"
        return
    # The target gets the source's epsilon, which one of the estimators reads.
    ratios = [
        expected_ratio(rule.second, counted, math.inf, source.epsilon, 0.0)
        for rule in (target, source)
    ]
    if 0 in ratios:
        yield f"{told}: of {counted} normal inputs one of them has no finite mean"
        return
    law = " for normal inputs" if "inverse_deviation" in (source.second, target.second) else ""
    yield (
        f"{told}: in further training the variance settles at {ratios[0] / ratios[1]:.4g} times "
        f"{source.name}'s at m = {counted:,}{law}"
    )


GAMMA = {
    "learned from 1": "learns gamma from a start at 1",
    "learned from U(0, 1)": "learns gamma from a random start in (0, 1)",
    "fixed at 1": "holds gamma at 1",
    "none": "has no gamma",
}
OF_ONE = {
    "variance 0": "averages a variance of 0",
    "NaN": "makes the running variance NaN",
    "identity": "passes it on unchanged",
    "running": "normalises with the running averages",
    "refused": "refuses to train",
}
AVERAGED: dict[Second, str] = {
    "biased": "sum of squares / m",
    "unbiased": "sum of squares / (m - 1)",
    "guarded": "sum of squares / (m - 1 - epsilon)",
    "inverse_deviation": "1 / sqrt(variance + epsilon)",
    "biased_plus_epsilon": "sum of squares / m + epsilon",
}
