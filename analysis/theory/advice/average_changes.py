"""What to change about the running averages: recompute them, another decay, no start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.advice.action import NATS, Action, Ends, falling
from caviar.analysis.theory.advice.framework_words import Words, setting
from caviar.analysis.theory.optimum import (
    DIVERGENCE,
    STALE,
    best_decay,
    is_stale,
    reducible,
    with_decay,
)
from caviar.analysis.theory.prediction import (
    bias,
    divergence,
    divergence_of_bias,
    effective_examples,
)
from caviar.analysis.theory.question import Question

FORGOTTEN = 0.01
"""A starting value that weighs less than 1 % is called forgotten."""

RECOMPUTED_EXAMPLES, RECOMPUTED_BATCH = 10_000, 64
"""An error of 0.0001 nats per unit: the order that others take (8,192 in MMPretrain's
PreciseBNHook). A batch of 64 leaves a biased rule 1 / 64 of the variance short."""

MOST_TIMES = 5
"""Averages of a long memory stand for more examples than a pass is worth."""

MOMENTUM_LIKE = 0.5
"""A smaller decay is more often PyTorch's momentum, which is 1 - decay, than intended."""

ERROR = "The error of the statistics used at test time"

WORTH = 0.8
"""A change that leaves more than this share of the error is not advised; a convention."""


def ask_again(ends: Ends, words: Words) -> Iterator[Action]:
    question = ends[0]
    if question.keep in ("constant", "debiased") and 0 < question.decay < MOMENTUM_LIKE:
        yield Action(
            "ask_again",
            f"Check the decay: it is the weight of the old value. If {question.decay:g} is the "
            "weight of the new one (PyTorch's momentum), ask again with "
            f"--decay {1 - question.decay:g}.",
            "Until then the numbers below may be those of another rule.",
            1 - question.decay,
        )


def _noisy(ends: Ends) -> bool:
    return any(divergence(end) > DIVERGENCE for end in ends)


def recompute(ends: Ends, words: Words) -> Iterator[Action]:
    question = ends[0]
    stale = is_stale(question)
    if not (_noisy(ends) or stale):
        return
    anew = tuple(map(recomputed, ends))
    examples = examples_of_recomputing(question)
    before, after = tuple(map(divergence, ends)), tuple(map(divergence, anew))
    better = _noisy(ends) and all(new < old for new, old in zip(after, before, strict=True))
    if not (better or stale):
        return
    falls = f"{ERROR} {falling(before, after, NATS)} (first layer, weights at rest)."
    why = [*([falls] if better else []), *_harmless(before), *_why_recompute(ends)]
    yield Action(
        "recompute",
        f"Recompute the statistics at the final weights, over {examples:,} examples in batches "
        f"of {anew[0].norm_batch_size} or more: {words.recompute}.",
        " ".join(why),
        examples,
        *((NATS, before, after) if better else ()),
    )


def _harmless(before: tuple[float, ...]) -> Iterator[str]:
    """That averages may be right already, where that hangs on a convolution's positions."""
    if before[-1] <= DIVERGENCE < before[0]:
        yield (
            f"If they are independent it is below {DIVERGENCE:g} already, too little to matter: a "
            "bad evaluation then has another cause."
        )


def recomputed(question: Question) -> Question:
    """The plain mean over new batches of one pass, which start from nothing."""
    examples = examples_of_recomputing(question)
    batch = min(max(RECOMPUTED_BATCH, question.norm_batch_size), examples)
    return replace(
        question,
        norm_batch_size=batch,
        keep="cumulative",
        steps=examples // batch,
        devices=1,
    )


def examples_of_recomputing(question: Question) -> int:
    """As many as usual, and no fewer than present averages stand for, up to five times as many."""
    present = effective_examples(question) / question.independent_positions
    most = min(MOST_TIMES * RECOMPUTED_EXAMPLES, question.dataset_size)
    enough = RECOMPUTED_EXAMPLES if math.isinf(present) else 1000 * math.ceil(present / 1000)
    return int(min(max(RECOMPUTED_EXAMPLES, enough), most))


def _why_recompute(ends: Ends) -> Iterator[str]:
    question, independent = ends[0], ends[-1]
    if is_stale(question):
        behind = running.lag(question.keep, question.decay_per_update, question.steps)
        yield (
            f"The running averages are {_updates(behind)} updates old on average, more than "
            f"{STALE:.0%} "
            f"of {question.steps:,.0f}, and miss what weights did since."
        )
    if divergence_of_bias(independent) > DIVERGENCE:
        yield (
            f"The rule stores {math.exp(bias(independent)):.3g} times the variance in the first "
            "layer, and each deeper layer has a bias of its own, of either sign. In our small "
            "networks removing it helped in some studies and hurt in others: keep whichever "
            "reads validation data better."
        )


def another_decay(ends: Ends, words: Words) -> Iterator[Action]:
    question = ends[0]
    needed = any(reducible(end) > DIVERGENCE for end in ends)
    if question.keep == "cumulative" or not needed or math.isinf(divergence(question)):
        return
    decay = rounded(best_decay(question))
    changed = tuple(with_decay(end, decay) for end in ends)
    before, after = tuple(map(divergence, ends)), tuple(map(divergence, changed))
    worse = any(new > max(old, DIVERGENCE) for new, old in zip(after, before, strict=True))
    if worse or reducible(changed[0]) > WORTH * reducible(question):
        return
    memory = 1 / (1 - decay)
    yield Action(
        "decay",
        f"In the next training run, set {setting(changed[0], words)}: a memory of "
        f"{_updates(memory)} updates"
        + (f" instead of {_updates(1 / (1 - question.decay_per_update))}." if decay else "."),
        f"{ERROR} {falling(before, after, NATS)}.",
        changed[0].decay,
        NATS,
        before,
        after,
    )


def _updates(count: float) -> str:
    """Three digits, or a whole number of more: `30.3`, `1,000`."""
    return f"{count:,.0f}" if count >= 100 else f"{count:.3g}"


def rounded(decay: float) -> float:
    """A decay with two digits of 1 - decay, the weight of the new value, rounded down."""
    complement = 1 - decay
    unit = 10.0 ** (math.floor(math.log10(complement)) - 1)
    return float(f"{1 - math.floor(complement / unit + 1e-9) * unit:.12g}")


def without_start(ends: Ends, words: Words) -> Iterator[Action]:
    question = ends[0]
    left = question.weight_of_start
    if left <= FORGOTTEN or left == 1:
        return
    without = tuple(replace(end, keep="debiased") for end in ends)
    before, after = tuple(map(divergence, ends)), tuple(map(divergence, without))
    worth = (new <= WORTH * old < math.inf for new, old in zip(after, before, strict=True))
    if not all(worth):
        return
    yield Action(
        "debias",
        "Or, without data, take the start out of what is stored, (r - d^t * start) / (1 - d^t) "
        f"with t = {question.steps:,.0f} update{'s' * (question.steps > 1)}"
        f"{words.updates and f' ({words.updates})'}: "
        f"{_without_start_in_words(question, words)}.",
        f"{ERROR} {falling(before, after, NATS)}, "
        f"for inputs of mean {question.input_mean:g} sigma and variance "
        f"{question.input_variance:g}.",
        left,
        NATS,
        before,
        after,
    )


def _without_start_in_words(question: Question, words: Words) -> str:
    """Both formulas with their numbers, to four digits of 1 - d^t."""
    gone = float(f"{1 - question.weight_of_start:.4g}")
    starts = (question.initial_mean, question.initial_second)
    pairs = zip(words.stored, starts, strict=True)
    return " and ".join(
        f"({name} - {(1 - gone) * start:.12g}) / {gone:.12g}" if start else f"{name} / {gone:.12g}"
        for name, start in pairs
    )
