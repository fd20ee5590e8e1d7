"""Training between two steps: everything that the remaining steps depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators
from caviar.model.steps.random_streams import Purpose, StreamState, at_rest, awake, streams
from caviar.model.steps.setup import Training
from caviar.model.steps.state import TrainingState, initial_state

DRAWN: tuple[Purpose, ...] = ("order", "company", "noise", "partitions", "probe", "shadow")
"""The purposes for which training draws after its start."""

DRAWN_AGAIN: tuple[Purpose, ...] = ("order", "shadow")
"""Those whose last draw is still in use between steps, and is drawn again on resuming: the order
of the current epoch, and the expected statistics."""


Streams = dict[Purpose, tuple[StreamState, ...]]


@dataclass(frozen=True)
class Snapshot:
    """Training after a step that is measured and reported. Its arrays are never written again.

    `losses` are those of the steps since the last curve row, `(steps, replicas)`. `streams` are
    the present states of the generators, except for two that are drawn from again on resuming:
    `order` stands as before the current epoch, and `shadow` as before the statistics expected at
    these weights, which `state` leaves out.
    """

    state: TrainingState
    losses: Array
    streams: Streams

    @property
    def step(self) -> int:
        return self.state.step


def beginning(training: Training, features: int, dtype: DTypeLike) -> Snapshot:
    """Training before its first step, on examples with `features` features."""
    return Snapshot(
        initial_state(training, features, dtype),
        np.empty((0, len(training.seeds))),
        {purpose: at_rest(streams(training.seeds, purpose)) for purpose in DRAWN},
    )


class Drawing:
    """The generators of a run by purpose, and for some the state that a resumed run starts from."""

    def __init__(self, streams: Streams) -> None:
        self._live = {purpose: awake(states) for purpose, states in streams.items()}
        self._marked: Streams = {purpose: streams[purpose] for purpose in DRAWN_AGAIN}

    def of(self, purpose: Purpose) -> Generators:
        return self._live[purpose]

    def mark(self, purpose: Purpose) -> None:
        """A resumed run repeats the draws made from here on, until the next mark."""
        self._marked[purpose] = at_rest(self._live[purpose])

    def at_rest(self) -> Streams:
        """The present state of each generator, or its state at the last mark."""
        return {
            purpose: at_rest(generators) for purpose, generators in self._live.items()
        } | self._marked
