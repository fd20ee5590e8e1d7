"""Training at rest: all that the steps to come depend on, between two steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators
from caviar.model.steps.random_streams import Purpose, StreamState, at_rest, awake, streams
from caviar.model.steps.setup import Training
from caviar.model.steps.state import TrainingState, initial_state

DRAWN: tuple[Purpose, ...] = ("order", "company", "noise", "partitions", "probe", "shadow")
"""What training draws from after it has begun."""

DRAWN_AGAIN: tuple[Purpose, ...] = ("order", "shadow")
"""Of these, what was drawn last is in hand between steps: the epoch, the expected statistics."""


Streams = dict[Purpose, tuple[StreamState, ...]]


@dataclass(frozen=True)
class Snapshot:
    """Training after a step, measured and reported; a value: no array of it is written again.

    `losses` are those of the steps since the last curve row, `(steps, replicas)`. `streams` are
    the generators as they stand, but for two from which what is in hand is drawn again: `order`
    as before the epoch under way, `shadow` as before the statistics expected at these weights,
    which `state` is without.
    """

    state: TrainingState
    losses: Array
    streams: Streams

    @property
    def step(self) -> int:
        return self.state.step


def beginning(training: Training, features: int, dtype: DTypeLike) -> Snapshot:
    """Training before its first step, on examples of so many features."""
    return Snapshot(
        initial_state(training, features, dtype),
        np.empty((0, len(training.seeds))),
        {purpose: at_rest(streams(training.seeds, purpose)) for purpose in DRAWN},
    )


class Drawing:
    """The generators of a run by purpose, and of some the place that a continuation draws from."""

    def __init__(self, streams: Streams) -> None:
        self._live = {purpose: awake(states) for purpose, states in streams.items()}
        self._marked: Streams = {purpose: streams[purpose] for purpose in DRAWN_AGAIN}

    def of(self, purpose: Purpose) -> Generators:
        return self._live[purpose]

    def mark(self, purpose: Purpose) -> None:
        """What is drawn from here on is drawn again after a snapshot, until the next mark."""
        self._marked[purpose] = at_rest(self._live[purpose])

    def at_rest(self) -> Streams:
        """Each as it stands, or where it was marked last."""
        return {purpose: at_rest(own) for purpose, own in self._live.items()} | self._marked
