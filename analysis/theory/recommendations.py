"""What to change about a norm batch and its running averages, the most useful change first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caviar.analysis.theory.advice.action import Action, Ends, ends_of
from caviar.analysis.theory.advice.average_changes import (
    another_decay,
    ask_again,
    recompute,
    without_start,
)
from caviar.analysis.theory.advice.batch_changes import (
    another_norm,
    larger_batch,
    shared_statistics,
)
from caviar.analysis.theory.advice.framework_words import Words
from caviar.analysis.theory.question import Question

NOTHING = "Nothing calls for a change: every number is within its threshold."

RULES: tuple[Callable[[Ends, Words], Iterator[Action]], ...] = (
    ask_again,
    larger_batch,
    recompute,
    shared_statistics,
    another_decay,
    without_start,
    another_norm,
)
"""In the order of usefulness: what makes other numbers void, then what costs least for most."""


def recommendations(question: Question, words: Words) -> tuple[Action, ...]:
    """The changes that numbers call for."""
    ends = ends_of(question)
    return tuple(action for rule in RULES for action in rule(ends, words))
