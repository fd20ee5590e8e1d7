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
DROPOUT = "rate of dropout"


def ends_of(question: Question) -> Ends:
    """Both ends of what positions may be worth; the question alone where that is known."""
    if question.positions == 1 or question.effective_positions is not None:
        return (question,)
    return question, replace(question, effective_positions=float(question.positions))


def falling(before: tuple[float, ...], after: tuple[float, ...], unit: str = "") -> str:
    """A gain in words; for a convolution at both ends of what its positions may be worth."""
    first, *second = (
        f"from {_number(old)} to {_number(new)}" for old, new in zip(before, after, strict=True)
    )
    told = f"falls {first} {unit}".rstrip()
    return told + "".join(
        f" if an image's positions are alike, {other} if they are independent" for other in second
    )


def _number(value: float) -> str:
    return "infinity" if math.isinf(value) else f"{value:.2g}"
