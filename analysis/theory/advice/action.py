"""One change that theory advises, and the ends between which a convolution's numbers lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from caviar.analysis.theory.question import Question

Kind = Literal["ask_again", "larger_batch", "recompute", "sync", "group_norm", "decay", "debias"]


@dataclass(frozen=True)
class Action:
    """One change: what to do in the framework's words, and what it gains.

    `before` and `after` are in `unit`, each without and, for a convolution, with all positions
    independent; None where the gain is no number. `value` is what to set (a decay per update, a
    memory in samples, examples), None where there is nothing to set.
    """

    kind: Kind
    do: str
    gain: str
    value: float | None = None
    unit: str = ""
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.do} {self.gain}"


Ends = tuple[Question, ...]
"""The question as it is asked or, for a convolution, at both ends: positions alike, independent."""

NATS = "nats per unit"
DROPOUT = "rate of dropout with as much noise"


def ends_of(question: Question) -> Ends:
    """Both ends of what positions may be worth; the question alone where that is known."""
    if question.positions == 1 or question.effective_positions is not None:
        return (question,)
    return question, replace(question, effective_positions=float(question.positions))


def either(values: tuple[float, ...]) -> str:
    """A number, and for a convolution what it is where all positions are independent."""
    first, *rest = ("infinity" if math.isinf(value) else f"{value:.2g}" for value in values)
    return first + "".join(f" ({value} if all positions are independent)" for value in rest)
