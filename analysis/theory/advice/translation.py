"""One framework's batch norm in another's terms: settings, stored statistics, what is left over."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from caviar.analysis.theory.advice.differences import Rule, differences, in_convolution
from caviar.analysis.theory.advice.framework_words import Words, words_of


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
    needs `m`, or a number is missing or out of range.
    """
    if m is not None and m < 1:
        raise ValueError(f"the examples that share a mean must be 1 or more; got {m}")
    if positions > 1:
        source, target = in_convolution(source), in_convolution(target)
    chosen = source.decay if decay is None else decay
    per_update = _decay_per_update(source, chosen, m)
    # A memory in samples is the same number elsewhere; through a decay it could round to 0.
    same = source.keep == target.keep == "time_constant"
    set_to = chosen if same else _decay_of(target, per_update, m)
    return Translation(
        source.name,
        target.name,
        tuple(_settings(source, target, words[1], set_to)),
        tuple(_copied(source, target, words)),
        tuple(differences(source, target, words[1], per_update, m and m * positions)),
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
    if decay is None and len({rule.decay is None for rule in sources}) > 1:
        raise _ambiguous(sources, targets)
    translations = tuple(
        translate(
            source, target, (words_of(source.name), words_of(target.name)), decay, m, positions
        )
        for source in sources
        for target in targets
    )
    if len({translation.settings for translation in translations}) > 1:
        raise _ambiguous(sources, targets)
    return translations


def _ambiguous(sources: Sequence[Rule], targets: Sequence[Rule]) -> ValueError:
    meant = " and ".join(
        f"the {end} may be {' or '.join(rule.name for rule in rules)}"
        for end, rules in (("source", sources), ("target", targets))
        if len(rules) > 1
    )
    return ValueError(f"{meant}, and their settings differ: give one of these names")


def text(translation: Translation, others: Sequence[Translation] = ()) -> str:
    """A translation for a terminal; `others` have the same settings and are named."""
    lines = [f"{translation.source} in {translation.target}: {', '.join(translation.settings)}"]
    if others:
        names = ", ".join(f"{other.source} in {other.target}" for other in others)
        told = f"The settings are the same for {names}; name the row for the rest."
        lines += textwrap.wrap(told, 96, break_on_hyphens=False)
    lines += ["", "To copy statistics"]
    lines += [line for sentence in translation.copied for line in _bullet(sentence)]
    if translation.differs:
        lines += ["", "What these settings do not translate"]
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
    if not 1 < decay < LONGEST:
        raise ValueError(
            f"{source.name}'s memory is in samples, above 1 and below {LONGEST:g}; got {decay:g}"
        )
    return math.exp(-_asked(m) / decay)


def _decay_of(target: Rule, per_update: float | None, m: int | None) -> float | None:
    if per_update is None or target.keep == "cumulative":
        return None
    if target.keep == "time_constant":
        return -_asked(m) / math.log(per_update) if per_update else 0.0
    return per_update


def _asked(m: int | None) -> int:
    if m is None:
        raise ValueError("a memory in samples is a decay only at a batch size; add --batch-size 32")
    return m


def _settings(source: Rule, target: Rule, words: Words, decay: float | None) -> Iterator[str]:
    if decay is not None:
        old = f"{decay:.6g}" if target.keep == "time_constant" else _digits(decay)
        yield words.decay.format(decay=old, complement=f"{1 - decay:.6g}")
    elif target.keep == "cumulative":
        yield PLAIN_MEAN.get(target.name, "a plain mean of all batches")
    yield words.epsilon.format(epsilon=f"{source.epsilon:g}")
    if words.learned_gamma and source.gamma.startswith("learned"):
        yield words.learned_gamma


def _digits(decay: float) -> str:
    """A decay with six digits of the smaller of itself and its distance from 1: six of its own
    would turn 0.9999998 into 1."""
    if decay == 0:
        return "0"
    return repr(round(decay, 5 - math.floor(math.log10(min(decay, 1 - decay)))))


LONGEST = 1e12
"""A memory of more samples is a decay that a float cannot distinguish from 1."""

PLAIN_MEAN = {"pytorch-cumulative": "momentum=None"}
COUNT = "the count of updates goes on from those that they stand for"
"""What a rule needs beside copied averages if it weighs its first batches by their number."""


def _copied(source: Rule, target: Rule, words: tuple[Words, Words]) -> Iterator[str]:
    (mean, second), (into_mean, into_second) = (those.stored for those in words)
    yield f"{into_mean} = {mean}"
    epsilon = f"{source.epsilon:g}"
    with_epsilon = {
        "inverse_deviation": f"1 / {second}**2",
        "biased_plus_epsilon": second,
    }.get(source.second)
    if source.second == target.second:
        read = second
    elif target.second == "inverse_deviation":
        read = f"1 / sqrt({with_epsilon or f'{second} + {epsilon}'})"
    elif target.second == "biased_plus_epsilon":
        read = with_epsilon or f"{second} + {epsilon}"
    else:
        read = f"{with_epsilon} - {epsilon}" if with_epsilon else second
    yield f"{into_second} = {read}"
    if target.keep != "constant":
        yield f"before further training, or they are soon forgotten: {words[1].beside or COUNT}"
