"""Running averages over many steps at once; the lines of `RunningStatistics.update`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import (
    GHOST_UPDATES,
    Averaged,
    BankState,
    Propagated,
    RunningStatistics,
)
from caviar.model.averages.conventions import SECOND, Tracker
from caviar.model.contract import Array, Moments
from caviar.model.kernels.compiling import compiled_exactly


class Watched(NamedTuple):
    """What watches a training and never feeds back: the last three fields of `TrainingState`."""

    bank: BankState
    shadow: BankState
    expected: Propagated | None

    def after(
        self, running: RunningStatistics, moments: Mapping[str, Moments], size: int
    ) -> Watched:
        """After steps with these moments, as `folded` takes them; after one, where there is a
        shadow, which takes what was expected before it."""
        bank, shadow = folded(running, self.bank, moments, size), self.shadow
        if self.expected is not None:
            shadow = running.follow(shadow, self.expected)
        return Watched(bank, shadow, None)


def folded(
    running: RunningStatistics, state: BankState, moments: Mapping[str, Moments], size: int
) -> BankState:
    """The bank after steps whose ghosts have these `moments`, `(replicas, steps, ghosts, features)`
    by layer; bit for bit as after one update for each step."""
    averages, updates = {}, state.updates
    kinds = list(dict.fromkeys(tracker.convention.second for tracker in running.trackers))
    kind = np.array([kinds.index(tracker.convention.second) for tracker in running.trackers])
    keeps: dict[int, Array] = {}
    for name, (mean, variance) in moments.items():
        replicas, steps, ghosts, features = mean.shape
        flat = (part.reshape(-1, ghosts, features) for part in (mean, variance))
        observations = GHOST_UPDATES[running.ghost_update](Moments(*flat), size)
        examples, number = observations[0].examples, steps * len(observations)
        shape = (replicas, number, features)
        means = _one_after_the_other([o.mean for o in observations], shape)
        variances = _one_after_the_other([o.variance for o in observations], shape)
        variances = variances.astype(np.float64)
        stored = _stacked([SECOND[k].stored(variances, examples, running.epsilon) for k in kinds])
        updates, earlier = state.updates + number, state.updates_of(name)
        if earlier not in keeps:
            numbers = range(earlier + 1, earlier + number + 1)
            keeps[earlier] = _keeps(running.trackers, numbers, examples)
        before = state.averages[name]
        after = Averaged(before.mean.copy(), before.second.copy())
        fold(after.mean, after.second, means, stored, kind, keeps[earlier])
        averages[name] = after
    return state._replace(updates=updates, averages=averages)


def _one_after_the_other(parts: list[Array], shape: tuple[int, ...]) -> Array:
    """The observations of every step in their order, in the memory order that kernels read."""
    whole = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
    return np.ascontiguousarray(whole).reshape(shape)


def _stacked(parts: list[Array]) -> Array:
    """Like `np.stack`, which copies even where there is only one."""
    return parts[0][np.newaxis] if len(parts) == 1 else np.stack(parts)


def _keeps(trackers: tuple[Tracker, ...], numbers: range, examples: int) -> Array:
    """The weights of the old mean and second statistic, `(updates, trackers, 2)`."""
    keeps = np.empty((len(numbers), len(trackers), 2))
    for t, tracker in enumerate(trackers):
        row = tracker.convention
        if row.keep == "constant" and row.mean_keep in (None, "constant"):
            keeps[:, t] = tracker.keeps(1, examples)
        else:
            keeps[:, t] = [tracker.keeps(number, examples) for number in numbers]
    return keeps


@compiled_exactly
def fold(
    mean: Array, second: Array, means: Array, stored: Array, kind: Array, keeps: Array
) -> None:
    """average = keep * average + (1 - keep) * stored, one update after the other.

    In double precision, whatever the precision of `means`: a factor widens them."""
    trackers, replicas, features = mean.shape
    for t in range(trackers):
        for r in range(replicas):
            for u in range(means.shape[1]):
                keep, keep_second = keeps[u, t]
                other, other_second = 1 - keep, 1 - keep_second
                for f in range(features):
                    mean[t, r, f] = keep * mean[t, r, f] + other * means[r, u, f]
                    second[t, r, f] = (
                        keep_second * second[t, r, f] + other_second * stored[kind[t], r, u, f]
                    )
