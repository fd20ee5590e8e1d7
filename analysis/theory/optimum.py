"""The decay of a running average that its exact errors call for, searched numerically."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar

from caviar.analysis.theory import running_mean as running
from caviar.analysis.theory.prediction import divergence, divergence_of_bias
from caviar.analysis.theory.question import Question

DIVERGENCE = 0.005
"""Nats per unit from which an error of running averages is worth a change.

Tied to test losses in a quickstart run (two hidden layers, digits; `python studies/threshold.py`):
averages off by less cost 0.0024 nats or less on average, those off by 0.005 to 0.01 nats per unit
cost 0.0098.
"""

STALE = 0.1
"""Share of all steps that the average may lag behind; a convention.

Over its last tenth a cosine schedule runs at 2.5 % of its peak on average, so that the weights
hardly move; an older average still holds weights that did.
"""

LONGEST_IN_SAMPLES = 1e12 * (1 - 1e-9)
"""The longest memory in samples that a question may have."""

LONGEST = 1e6
"""Updates: the longest memory that is searched where nothing else bounds it."""


def best_decay(question: Question) -> float:
    """The decay per update that the errors call for, among those that are not stale.

    For an average that is too short, the shortest memory whose reducible divergence is within the
    threshold, since weights may move; where none is, or the average is too long, the memory of
    least divergence.
    """
    memories = np.geomspace(1, _longest_memory(question), 60)
    errors = np.array([_reducible(question, memory) for memory in memories])
    enough = np.flatnonzero(errors <= DIVERGENCE)
    now = 1 / (1 - question.decay_per_update)
    if len(enough) and now < memories[enough[0]]:
        between = np.geomspace(memories[max(enough[0] - 1, 0)], memories[enough[0]], 40)
        memory = next(m for m in between if _reducible(question, m) <= DIVERGENCE)
        return 1 - 1 / float(memory)
    best = int(np.argmin(errors))
    ends = memories[max(best - 1, 0)], memories[min(best + 1, len(memories) - 1)]
    answer = minimize_scalar(
        lambda memory: _reducible(question, memory), bounds=ends, method="bounded"
    )
    return 1 - 1 / float(answer.x)


def reducible(question: Question) -> float:
    """The divergence that another decay can change: all of it but the rule's bias."""
    whole = divergence(question)
    return whole if math.isinf(whole) else whole - divergence_of_bias(question)


def _longest_memory(question: Question) -> float:
    """The memory in updates whose mean age is the stale share of all steps."""
    return LONGEST if math.isinf(question.steps) else 1 + STALE * question.steps


def _reducible(question: Question, memory: float) -> float:
    return reducible(with_decay(question, 1 - 1 / memory))


def with_decay(question: Question, decay_per_update: float) -> Question:
    """The question at another decay, given as the weight that an update leaves."""
    if question.keep != "time_constant":
        return replace(question, decay=decay_per_update)
    if decay_per_update == 0:
        return replace(question, decay=1 + 1e-9)
    samples = -question.norm_batch_size / math.log(decay_per_update)
    return replace(question, decay=min(max(samples, 1 + 1e-9), LONGEST_IN_SAMPLES))


def is_stale(question: Question) -> bool:
    """Whether the average lags behind by more than the stale share of all steps."""
    behind = running.lag(question.keep, question.decay_per_update, question.steps)
    return math.isfinite(question.steps) and behind > STALE * question.steps
