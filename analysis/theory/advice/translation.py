"""One framework's batch norm in another's terms: settings, stored statistics, what is left over."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from caviar.analysis.theory.advice.average_changes import FORGOTTEN
from caviar.analysis.theory.advice.framework_words import Words, words_of
from caviar.analysis.theory.running_mean import Keep, steps_to_forget
from caviar.analysis.theory.running_variance import Second, expected_ratio

CLAMPED = {"tensorflow-fused", "tensorflow-slim"}
SMALLEST_EPSILON = 1.001e-5
"""TensorFlow's fused batch norm takes no smaller epsilon: it is raised to this one."""


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


@dataclass(frozen=True)
class Translation:
    """Settings in the target's words, how stored statistics carry over, and what does not.

    `decay` is the weight of the old value per update (samples for CNTK, None where the target
    has none or none follows).
    """

    source: str
    target: str
    settings: tuple[str, ...]
    copied: tuple[str, ...]
    differs: tuple[str, ...]
    decay: float | None
    epsilon: float


def translate(
    source: Rule,
    target: Rule,
    words: tuple[Words, Words],
    decay: float | None,
    m: int | None,
    positions: int = 1,
) -> Translation:
    """The source's rule at `decay`, by default its own, set in the target at batches of `m`.

    `words` are those of the source and of the target; each of the `m` examples has `positions`
    values of a channel, all of which a rule counts. Raises ValueError where a memory in samples
    needs `m`, or a decay is missing or out of range.
    """
    per_update = _decay_per_update(source, source.decay if decay is None else decay, m)
    set_to = _decay_of(target, per_update, m)
    return Translation(
        source.name,
        target.name,
        tuple(_settings(source.epsilon, target, words[1], set_to)),
        tuple(_copied(source, target, words)),
        tuple(_differs(source, target, per_update, m and m * positions)),
        set_to,
        source.epsilon,
    )


def translate_any(
    sources: Sequence[Rule],
    targets: Sequence[Rule],
    decay: float | None,
    m: int | None,
    positions: int = 1,
) -> tuple[Translation, ...]:
    """The translations between all rows that two names may mean, where their settings agree.

    Raises ValueError with the choices where they do not.
    """
    translations = tuple(
        translate(
            source, target, (words_of(source.name), words_of(target.name)), decay, m, positions
        )
        for source in sources
        for target in targets
    )
    if len({translation.settings for translation in translations}) > 1:
        choices = " and ".join(
            " or ".join(rule.name for rule in rules) + "?"
            for rules in (sources, targets)
            if len(rules) > 1
        )
        raise ValueError(f"{choices} Their settings differ: give one of these names")
    return translations


def text(translation: Translation, others: Sequence[Translation] = ()) -> str:
    """A translation for a terminal; `others` have the same settings and are named."""
    lines = [f"{translation.source} in {translation.target}: {', '.join(translation.settings)}"]
    if others:
        names = ", ".join(f"{other.source} in {other.target}" for other in others)
        lines.append(f"The settings are the same for {names}; name the row for the rest.")
    lines += ["", "To copy statistics"]
    lines += [line for sentence in translation.copied for line in _bullet(sentence)]
    if translation.differs:
        lines += ["", "What no setting translates"]
        lines += [line for sentence in translation.differs for line in _bullet(sentence)]
    return "\n".join(lines)


def _bullet(sentence: str) -> list[str]:
    return textwrap.wrap(
        sentence, 96, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
    )


def _decay_per_update(source: Rule, decay: float | None, m: int | None) -> float | None:
    """The weight that an update leaves; None for a plain mean of all batches."""
    if source.keep == "cumulative":
        if decay is not None:
            raise ValueError(f"{source.name} has no decay; leave --decay out")
        return None
    if decay is None:
        raise ValueError(f"{source.name} has no decay of its own; add --decay 0.99")
    if source.keep != "time_constant":
        if not 0 <= decay < 1:
            raise ValueError(
                f"decay is the weight of the old value, from 0 to below 1; got {decay:g}"
            )
        return decay
    if not decay > 1:
        raise ValueError(f"{source.name}'s memory is in samples, above 1; got {decay:g}")
    return math.exp(-_asked(m) / decay)


def _decay_of(target: Rule, per_update: float | None, m: int | None) -> float | None:
    if per_update is None or target.keep == "cumulative":
        return None
    if target.keep == "time_constant":
        return -_asked(m) / math.log(per_update) if per_update else 0.0
    return per_update


def _asked(m: int | None) -> int:
    if m is None:
        raise ValueError("a memory in samples is a decay only at a batch size; add --batch-size")
    return m


def _settings(epsilon: float, target: Rule, words: Words, decay: float | None) -> Iterator[str]:
    if decay is not None:
        yield words.decay.format(decay=f"{decay:.6g}", complement=f"{1 - decay:.6g}")
    elif target.keep == "cumulative":
        yield PLAIN_MEAN.get(target.name, "a plain mean of all batches")
    yield words.epsilon.format(epsilon=f"{epsilon:g}")


PLAIN_MEAN = {"pytorch-cumulative": "momentum=None"}
COUNT = "the count of updates goes on from those that they stand for"
"""What a rule needs beside copied averages if it weighs its first batches by their number."""


def _copied(source: Rule, target: Rule, words: tuple[Words, Words]) -> Iterator[str]:
    (mean, second), (into_mean, into_second) = (those.stored for those in words)
    yield f"{into_mean} = {mean}"
    epsilon = f"{source.epsilon:g}"
    read = {
        "inverse_deviation": f"1 / {second}**2 - {epsilon}",
        "biased_plus_epsilon": f"{second} - {epsilon}",
    }.get(source.second, second)
    if source.second == target.second:
        read = second
    elif target.second == "inverse_deviation":
        read = f"1 / sqrt({read} + {epsilon})"
    elif target.second == "biased_plus_epsilon":
        read = f"{read} + {epsilon}"
    yield f"{into_second} = {read}"
    if target.keep != "constant":
        yield f"before further training, or they are soon forgotten: {words[1].beside or COUNT}"


def _differs(
    source: Rule, target: Rule, per_update: float | None, counted: int | None
) -> Iterator[str]:
    yield from _weights_that_differ(source, target, per_update)
    yield from _estimators_that_differ(source, target, counted)
    if target.name in CLAMPED and source.epsilon < SMALLEST_EPSILON:
        yield f"{target.name} raises epsilon to {SMALLEST_EPSILON:g}"
    pairs: dict[str, tuple[Any, Any]] = {
        "gamma is": (source.gamma, target.gamma),
        ALONE: (
            source.batch_of_one,
            target.batch_of_one,
        ),
        "averages are updated in the pass": (source.updates, target.updates),
    }
    for what, (before, after) in pairs.items():
        if before != after:
            yield f"{what} {after!r} in {target.name}, {before!r} in {source.name}"


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
            f"{steps:,} updates; {none.name} does not"
        )
    if {source.keep, target.keep} == {"debiased", "time_constant"}:
        yield (
            f"{source.name} and {target.name} weigh the first batches differently: the one divides "
            "by 1 - d^t, the other takes the first batch whole"
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
    ratios = [
        expected_ratio(rule.second, counted, math.inf, rule.epsilon, 0.0)
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


ALONE = "one value per channel (a batch of one, without positions) gives"
AVERAGED: dict[Second, str] = {
    "biased": "sum of squares / m",
    "unbiased": "sum of squares / (m - 1)",
    "guarded": "sum of squares / (m - 1 - epsilon)",
    "inverse_deviation": "1 / sqrt(variance + epsilon)",
    "biased_plus_epsilon": "sum of squares / m + epsilon",
}
