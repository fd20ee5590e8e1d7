"""What a cause is: a name, what it looks like in the facts, and what it stands in for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from caviar.analysis.audit.facts import Facts

CauseName = Literal[
    "healthy",
    "start",
    "never-updated",
    "frozen",
    "sampling",
    "lag",
    "poisoned-batch",
    "sorted-batches",
    "other-data",
    "inverted-momentum",
    "small-batch",
    "broken",
]

RECOMPUTE = (
    "Recompute the statistics at these weights: `caviar audit ... --repair OUT`, `caviar.repair` "
    "or `torch.optim.swa_utils.update_bn(loader, model)`."
)


class Told(NamedTuple):
    """A cause in words: one sentence with its evidence, and what to do in PyTorch's words."""

    sentence: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Cause:
    """One cause: `told` returns None where the facts do not show it.

    `explains` names causes that are not named beside it, since it looks like them.
    """

    name: CauseName
    told: Callable[[Facts], Told | None]
    explains: frozenset[CauseName] = frozenset()
