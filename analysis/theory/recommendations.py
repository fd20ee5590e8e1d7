"""What to change about a norm batch size and a running average, and the number that says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from caviar.analysis.theory import batch_statistics as theory
from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.prediction import (
    Question,
    bias,
    divergence_of_bias,
    divergence_of_error,
    effective_examples,
    epoch_end_error,
    error,
    noise,
)

FORGOTTEN = 0.01
"""A starting value that weighs less than 1 % is called forgotten."""

DIVERGENCE = 0.005
"""Nats per unit that are worth a change: the margin within which this project calls losses equal.

It corresponds to a mean that is off by 0.1 sigma, or a variance off by 0.14 in log ratio.
"""

STALE = 0.1
"""Share of all steps that the average may lag behind.

Over its last tenth a cosine schedule runs at 2.5 % of its peak on average, so that the weights
hardly move; an older average still holds weights that did.
"""

STRONG_DROPOUT, WEAK_DROPOUT = 0.1, 0.01
"""Equivalent dropout rates: at the first noise regularises like a usual dropout; below the second
hardly at all."""

OWN_WEIGHT = 0.125
"""Share of its own mean, 1 / m, from which an example's presence is worth keeping at test time.

EvalNorm is expected to gain up to m = 8 and not from 64.
"""

EPOCH_END = 0.5
"""Error at an epoch's end over that at another time, below which the time is worth choosing."""

MOMENTUM_LIKE = 0.5
"""A smaller decay is more often PyTorch's momentum, which is 1 - decay, than intended."""


def recommendations(question: Question) -> Iterator[str]:
    """One sentence for each change that a number calls for; one if there is none."""
    sentences = [sentence for rule in RULES for sentence in rule(question)]
    yield from sentences or ["Nothing calls for a change: every number is within its threshold."]


def _tiny(question: Question) -> Iterator[str]:
    m = question.norm_batch_size
    if m == 2:
        yield (
            "With 2 examples a normalised input is +1 or -1: only the order survives, and hardly "
            "any gradient passes. Use a larger norm batch, or layer norm."
        )
    elif math.isinf(theory.squared_inflation(m)):
        yield (
            f"With {m} examples 1 / sigma_B has no finite variance, so single batches can be "
            "scaled up without bound. Use a norm batch of 4 or more."
        )


def _bias(question: Question) -> Iterator[str]:
    if divergence_of_bias(question) <= DIVERGENCE:
        return
    off = f"The stored variance is {math.exp(bias(question)):.3g} times the population's"
    if question.second == "inverse_deviation":
        yield (
            f"{off} (epsilon neglected), because 1 / sigma_B is averaged. Average the unbiased "
            "variance instead."
        )
    elif question.second != "unbiased":
        m = question.norm_batch_size
        yield (
            f"{off}. Use the unbiased rule: its factor {m} / {m - 1} corrects the first layer; "
            "for deeper layers recompute the population statistics."
        )


def _scatter(question: Question) -> Iterator[str]:
    divergence, now = divergence_of_error(question), error(question)
    if divergence <= DIVERGENCE:
        return
    if math.isinf(divergence):
        yield (
            f"1 / sigma_B of {question.norm_batch_size} examples has no finite variance, nor has "
            "its average. Average the unbiased variance instead."
        )
        return
    scatter = (
        f"The running mean scatters by {now.mean:.2g} sigma, the variance by {now.variance:.2g}"
    )
    needed = math.ceil(effective_examples(question) * divergence / DIVERGENCE)
    yield (
        f"{scatter}: {_longer_memory(question, needed)}recompute the population statistics over "
        f"{_precise_examples(question):,} examples or more after training (precise statistics)."
    )


def _precise_examples(question: Question) -> int:
    """Examples whose plain mean and variance are quiet enough: errors 1 / n and (k + 2) / n."""
    return math.ceil((1 / 2 + (question.excess_kurtosis + 2) / 4) / DIVERGENCE)


def _longer_memory(question: Question, needed: int) -> str:
    """Advice for an average worth `needed` examples; none where there are too few steps."""
    m, keep = question.norm_batch_size, question.keep
    if keep == "cumulative":
        return f"average over {math.ceil(needed / m):,} steps or more, or "
    decay = max(0.0, (needed - m) / (needed + m))
    if running.lag("constant", decay, math.inf) > STALE * question.steps:
        return ""
    if keep == "time_constant":
        return f"raise the memory to {needed / 2:.4g} samples, or "
    return f"raise the decay to {_digits(decay)}, or "


def _start(question: Question) -> Iterator[str]:
    left = running.weight_of_start(question.keep, question.decay_per_update, question.steps)
    if left <= FORGOTTEN:
        return
    steps = running.steps_to_forget(question.keep, question.decay_per_update, FORGOTTEN)
    lower = math.pow(FORGOTTEN, 1 / question.steps)
    or_lower = f", or lower the decay to {_digits(lower)}" if _is_quiet(question, lower) else ""
    yield (
        f"After {question.steps:,.0f} steps the starting value still weighs {left:.2g}. Divide by "
        f"1 - d^t (a debiased rule), or train for {steps:,} steps{or_lower}."
    )


def _stale(question: Question) -> Iterator[str]:
    if math.isinf(question.steps):
        return
    behind = running.lag(question.keep, question.decay_per_update, question.steps)
    allowed = STALE * question.steps
    if behind <= allowed:
        return
    yield (
        f"The statistics are {behind:,.3g} steps old on average, more than {STALE:.0%} of "
        f"{question.steps:,.0f}: if weights still move, {_shorter_memory(question, allowed)}"
        "recompute the population statistics after training (precise statistics)."
    )


def _shorter_memory(question: Question, allowed: float) -> str:
    """Advice for an average that is `allowed` steps old; none where it would scatter too much."""
    if question.keep == "cumulative":
        return "average only from when they rest, or "
    # In the long run the lag is d / (1 - d).
    decay = allowed / (1 + allowed)
    if question.keep == "time_constant":
        samples = -question.norm_batch_size / math.log(decay)
        fits = samples > 1 and _is_quiet(question, samples)
        return f"lower the memory to {samples:.4g} samples, or " if fits else ""
    return f"lower the decay to {_digits(decay)}, or " if _is_quiet(question, decay) else ""


def _digits(decay: float) -> str:
    """A decay to three digits of 1 - decay, the weight of the new value, which is what matters."""
    return f"{1 - float(f'{1 - decay:.3g}'):.12g}"


def _is_quiet(question: Question, decay: float) -> bool:
    return divergence_of_error(replace(question, decay=decay)) <= DIVERGENCE


def _phase(question: Question) -> Iterator[str]:
    if math.isinf(question.dataset_size):
        return
    now, end = error(question).mean, epoch_end_error(question).mean
    if question.keep != "cumulative" and end < EPOCH_END * now:
        yield (
            f"Read the statistics right after an epoch's last batch: the running mean is then off "
            f"by {end:.2g} sigma in the long run, not {now:.2g}."
        )


def _noise(question: Question) -> Iterator[str]:
    rate = float(theory.equivalent_dropout(noise(question)))
    if rate >= STRONG_DROPOUT:
        yield (
            f"The batch's noise equals that of dropout at {rate:.2g}: if the train loss is too "
            "high, use a larger norm batch; if the noise is wanted, leave out other regularisation."
        )
    elif rate <= WEAK_DROPOUT:
        yield (
            f"The batch's noise equals that of dropout at {rate:.2g} and hardly regularises: if "
            "you want regularisation, use smaller ghost batches or another regulariser."
        )


def _itself(question: Question) -> Iterator[str]:
    m = question.norm_batch_size
    if 1 / m >= OWN_WEIGHT:
        yield (
            f"In training every example contributes {1 / m:.3g} of its own mean, at test time "
            "nothing: evaluate with EvalNorm, which includes the example."
        )


def _momentum(question: Question) -> Iterator[str]:
    if question.keep in ("constant", "debiased") and question.decay < MOMENTUM_LIKE:
        yield (
            f"Decay is the weight of the old value. If {question.decay:g} is PyTorch's momentum, "
            f"the weight of the new one, ask again with --decay {1 - question.decay:g}."
        )


RULES: tuple[Callable[[Question], Iterator[str]], ...] = (
    _momentum,
    _tiny,
    _bias,
    _scatter,
    _start,
    _stale,
    _phase,
    _itself,
    _noise,
)
