"""The bank of running averages of a watched model: every rule and decay, fed with its batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from caviar.model.averages.bank import BankState, RunningStatistics, Steps
from caviar.model.averages.conventions import Tracker, trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Moments
from caviar.runner.errors import RequestError, nearest


def trackers_of(rules: Sequence[str], decays: Sequence[float]) -> tuple[Tracker, ...]:
    """The running averages of some rules at some decays; raises RequestError for what is none."""
    for name in rules:
        if name not in ALL:
            raise RequestError(f"rule {name!r} is unknown; {nearest(name, ALL)}")
    for decay in decays:
        if not 0 <= decay < 1:
            raise RequestError(
                f"a decay is the weight of the old value, from 0 to below 1; got {decay}"
            )
    return trackers(tuple(ALL[name] for name in rules), tuple(decays))


def own_decay(norm: nn.Module) -> float | None:
    """The weight of the old value in a norm's own average; None for a plain mean of batches."""
    momentum = getattr(norm, "momentum", None)
    # Of the decimal number that was written: 1 - 0.1 would be 0.9, but 1 - 0.01 0.99 only nearly.
    return None if momentum is None else round(1 - float(momentum), 12)


@dataclass
class Averages:
    """Running averages of each norm, all from their rule's starting value on.

    A norm counts its own updates: one that is called twice in a pass is updated twice, as its own
    averages are.
    """

    norms: Mapping[str, nn.Module]
    trackers: tuple[Tracker, ...]
    _states: dict[str, BankState] = field(default_factory=dict, init=False)

    def update(self, batches: Mapping[str, Sequence[Steps]]) -> None:
        """Fold in the batches of some steps, by norm."""
        for name, pieces in batches.items():
            for piece in pieces:
                shape = {name: (1, piece.moments.mean.shape[-1])}
                state = self._states.get(name) or self._bank(name).start(shape)
                self._states[name] = self._bank(name).fold_steps(state, {name: piece})

    def read(self) -> dict[str, Moments]:
        """Mean and variance as evaluation uses them, `(trackers, 1, features)`, by norm."""
        read: dict[str, Moments] = {}
        for name, state in self._states.items():
            read |= self._bank(name).read(state.averages)
        return read

    def updates(self, name: str) -> int:
        """How many batches a norm was updated with."""
        return self._states[name].updates if name in self._states else 0

    def _bank(self, name: str) -> RunningStatistics:
        return RunningStatistics(self.trackers, epsilon=float(self.norms[name].eps))  # type: ignore[arg-type]
